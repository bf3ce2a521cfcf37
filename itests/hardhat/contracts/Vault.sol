// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Keeps what is paid in; its errors come out of a contract that is called by another.
contract Vault {
    error TooMuch(uint256 asked, uint256 available);

    mapping(address => uint256) public balanceOf;

    event PaidIn(address indexed by, uint256 amount);

    function payIn() external payable {
        balanceOf[msg.sender] += msg.value;
        emit PaidIn(msg.sender, msg.value);
    }

    function payOut(uint256 amount) external {
        if (amount > balanceOf[msg.sender]) {
            revert TooMuch(amount, balanceOf[msg.sender]);
        }
        balanceOf[msg.sender] -= amount;
        payable(msg.sender).transfer(amount);
    }
}

contract Thief {
    Vault private immutable vault;

    constructor(Vault target) {
        vault = target;
    }

    function take(uint256 amount) external {
        vault.payOut(amount);
    }
}
