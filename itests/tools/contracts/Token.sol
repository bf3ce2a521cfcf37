// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

contract Token is ERC20 {
    error TooMuch(uint256 asked, uint256 available);

    constructor(uint256 supply) ERC20("Test Token", "TT") {
        _mint(msg.sender, supply);
    }

    function failWithReason() external pure {
        revert("the reason");
    }

    function failWithError(uint256 asked) external view {
        revert TooMuch(asked, totalSupply());
    }
}

/// Counts calls; its storage is what a delegated account changes.
contract Counter {
    uint256 public count;

    event Counted(address indexed by, uint256 count);

    function increment() external {
        count++;
        emit Counted(msg.sender, count);
    }
}
