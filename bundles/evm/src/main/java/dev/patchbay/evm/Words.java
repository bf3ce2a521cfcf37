// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

/**
 * 256-bit arithmetic on a {@code long[]} arena: a word is four little-endian limbs, named by the
 * index of the lowest. {@code d} is the destination, {@code a} and {@code b} are operands, {@code
 * t} is scratch space. All loads come before the stores, so the destination may be an operand.
 */
final class Words {
  /** Longs of scratch space that the operations with a parameter {@code t} need. */
  static final int SCRATCH = 64;

  private Words() {}

  static final long SIGN = Long.MIN_VALUE;

  static long multiplyHigh(long a, long b) {
    return Math.multiplyHigh(a, b) + ((a >> 63) & b) + ((b >> 63) & a);
  }

  static long carry(long a, long b, long r) {
    return ((a & b) | ((a | b) & ~r)) >>> 63;
  } // carry of r=a+b(+c)

  static long borrow(long a, long b, long r) {
    return ((~a & b) | ((~a | b) & r)) >>> 63;
  } // borrow of r=a-b(-c)

  static boolean below(long a, long b) {
    return a + SIGN < b + SIGN;
  }

  static void add(long[] s, int d, int a, int b) {
    long x = s[a], y = s[b], r0 = x + y, c = carry(x, y, r0);
    x = s[a + 1];
    y = s[b + 1];
    long r1 = x + y + c;
    c = carry(x, y, r1);
    x = s[a + 2];
    y = s[b + 2];
    long r2 = x + y + c;
    c = carry(x, y, r2);
    long r3 = s[a + 3] + s[b + 3] + c;
    s[d] = r0;
    s[d + 1] = r1;
    s[d + 2] = r2;
    s[d + 3] = r3;
  }

  /** Adds an unsigned 64-bit number. */
  static void addSmall(long[] s, int d, int a, long k) {
    long x = s[a], r0 = x + k, c = carry(x, k, r0);
    long r1 = s[a + 1] + c;
    c = c & (r1 == 0 ? 1 : 0);
    long r2 = s[a + 2] + c;
    c = c & (r2 == 0 ? 1 : 0);
    s[d + 3] = s[a + 3] + c;
    s[d] = r0;
    s[d + 1] = r1;
    s[d + 2] = r2;
  }

  /** Subtracts an unsigned 64-bit number. */
  static void subSmall(long[] s, int d, int a, long k) {
    long x = s[a], r0 = x - k, c = borrow(x, k, r0);
    long y = s[a + 1], r1 = y - c;
    c = c & (y == 0 ? 1 : 0);
    y = s[a + 2];
    long r2 = y - c;
    c = c & (y == 0 ? 1 : 0);
    s[d + 3] = s[a + 3] - c;
    s[d] = r0;
    s[d + 1] = r1;
    s[d + 2] = r2;
  }

  static void sub(long[] s, int d, int a, int b) {
    long x = s[a], y = s[b], r0 = x - y, c = borrow(x, y, r0);
    x = s[a + 1];
    y = s[b + 1];
    long r1 = x - y - c;
    c = borrow(x, y, r1);
    x = s[a + 2];
    y = s[b + 2];
    long r2 = x - y - c;
    c = borrow(x, y, r2);
    long r3 = s[a + 3] - s[b + 3] - c;
    s[d] = r0;
    s[d + 1] = r1;
    s[d + 2] = r2;
    s[d + 3] = r3;
  }

  static long lessThan(long[] s, int a, int b) { // 1 if a<b unsigned, branch-free borrow chain
    long x = s[a], y = s[b], c = borrow(x, y, x - y);
    x = s[a + 1];
    y = s[b + 1];
    c = borrow(x, y, x - y - c);
    x = s[a + 2];
    y = s[b + 2];
    c = borrow(x, y, x - y - c);
    x = s[a + 3];
    y = s[b + 3];
    return borrow(x, y, x - y - c);
  }

  static long signedLessThan(long[] s, int a, int b) {
    long x = s[a], y = s[b], c = borrow(x, y, x - y);
    x = s[a + 1];
    y = s[b + 1];
    c = borrow(x, y, x - y - c);
    x = s[a + 2];
    y = s[b + 2];
    c = borrow(x, y, x - y - c);
    x = s[a + 3] ^ SIGN;
    y = s[b + 3] ^ SIGN;
    return borrow(x, y, x - y - c);
  }

  static long equal(long[] s, int a, int b) {
    long z = (s[a] ^ s[b]) | (s[a + 1] ^ s[b + 1]) | (s[a + 2] ^ s[b + 2]) | (s[a + 3] ^ s[b + 3]);
    return ~(z | -z) >>> 63;
  }

  /** Returns 1 when a word equals an unsigned 64-bit number. */
  static long equalSmall(long[] s, int a, long k) {
    long z = (s[a] ^ k) | s[a + 1] | s[a + 2] | s[a + 3];
    return ~(z | -z) >>> 63;
  }

  static long lessThanSmall(long[] s, int a, long k) {
    return (s[a + 1] | s[a + 2] | s[a + 3]) == 0 && below(s[a], k) ? 1 : 0;
  }

  static long moreThanSmall(long[] s, int a, long k) {
    return (s[a + 1] | s[a + 2] | s[a + 3]) != 0 || below(k, s[a]) ? 1 : 0;
  }

  static long isZero(long[] s, int a) {
    long z = s[a] | s[a + 1] | s[a + 2] | s[a + 3];
    return ~(z | -z) >>> 63;
  }

  static void set(long[] s, int d, long v) {
    s[d] = v;
    s[d + 1] = 0;
    s[d + 2] = 0;
    s[d + 3] = 0;
  }

  static void set(long[] s, int d, long w0, long w1, long w2, long w3) {
    s[d] = w0;
    s[d + 1] = w1;
    s[d + 2] = w2;
    s[d + 3] = w3;
  }

  static void copy(long[] s, int d, int a) {
    long w = s[a], x = s[a + 1], y = s[a + 2], z = s[a + 3];
    s[d] = w;
    s[d + 1] = x;
    s[d + 2] = y;
    s[d + 3] = z;
  }

  static void and(long[] s, int d, int a, int b) {
    long w = s[a] & s[b], x = s[a + 1] & s[b + 1], y = s[a + 2] & s[b + 2], z = s[a + 3] & s[b + 3];
    s[d] = w;
    s[d + 1] = x;
    s[d + 2] = y;
    s[d + 3] = z;
  }

  static void or(long[] s, int d, int a, int b) {
    long w = s[a] | s[b], x = s[a + 1] | s[b + 1], y = s[a + 2] | s[b + 2], z = s[a + 3] | s[b + 3];
    s[d] = w;
    s[d + 1] = x;
    s[d + 2] = y;
    s[d + 3] = z;
  }

  static void xor(long[] s, int d, int a, int b) {
    long w = s[a] ^ s[b], x = s[a + 1] ^ s[b + 1], y = s[a + 2] ^ s[b + 2], z = s[a + 3] ^ s[b + 3];
    s[d] = w;
    s[d + 1] = x;
    s[d + 2] = y;
    s[d + 3] = z;
  }

  static void not(long[] s, int d, int a) {
    long w = ~s[a], x = ~s[a + 1], y = ~s[a + 2], z = ~s[a + 3];
    s[d] = w;
    s[d + 1] = x;
    s[d + 2] = y;
    s[d + 3] = z;
  }

  static void mul(long[] s, int d, int a, int b) {
    long a0 = s[a], a1 = s[a + 1], a2 = s[a + 2], b0 = s[b], b1 = s[b + 1], b2 = s[b + 2];
    long r3 = a0 * s[b + 3] + s[a + 3] * b0 + a1 * b2 + a2 * b1;
    long r0 = a0 * b0, r1 = multiplyHigh(a0, b0), t, h, n;
    t = a0 * b1;
    h = multiplyHigh(a0, b1);
    n = r1 + t;
    h += carry(r1, t, n);
    r1 = n;
    long r2 = h;
    t = a1 * b0;
    h = multiplyHigh(a1, b0);
    n = r1 + t;
    h += carry(r1, t, n);
    r1 = n;
    n = r2 + h;
    r3 += carry(r2, h, n);
    r2 = n;
    t = a0 * b2;
    h = multiplyHigh(a0, b2);
    n = r2 + t;
    r3 += h + carry(r2, t, n);
    r2 = n;
    t = a1 * b1;
    h = multiplyHigh(a1, b1);
    n = r2 + t;
    r3 += h + carry(r2, t, n);
    r2 = n;
    t = a2 * b0;
    h = multiplyHigh(a2, b0);
    n = r2 + t;
    r3 += h + carry(r2, t, n);
    r2 = n;
    s[d] = r0;
    s[d + 1] = r1;
    s[d + 2] = r2;
    s[d + 3] = r3;
  }

  static void square(long[] s, int d, int a) {
    long a0 = s[a], a1 = s[a + 1], a2 = s[a + 2], a3 = s[a + 3];
    // off-diagonal: a0a1 at 1, a0a2 at 2, (a0a3 + a1a2) at 3; doubled
    long p1 = a0 * a1,
        p2 = multiplyHigh(a0, a1),
        t = a0 * a2,
        n = p2 + t,
        p3 = multiplyHigh(a0, a2) + carry(p2, t, n) + a0 * a3 + a1 * a2;
    p2 = n;
    p3 = (p3 << 1) | (p2 >>> 63);
    p2 = (p2 << 1) | (p1 >>> 63);
    p1 <<= 1;
    long r0 = a0 * a0, h = multiplyHigh(a0, a0), r1 = h + p1, c = carry(h, p1, r1);
    t = a1 * a1;
    long r2 = p2 + t + c;
    c = carry(p2, t, r2);
    long r3 = p3 + multiplyHigh(a1, a1) + c;
    s[d] = r0;
    s[d + 1] = r1;
    s[d + 2] = r2;
    s[d + 3] = r3;
  }

  // ---- division: reciprocals after Moeller and Granlund, "Improved division by invariant
  // integers"
  private static final short[] RECIPROCALS = new short[256];

  static {
    for (int i = 0; i < 256; i++) RECIPROCALS[i] = (short) ((0x80000 - 0x300) / (i + 256));
  }

  static long reciprocal(long d) { // floor((2^128-1)/d) - 2^64, d normalised
    long d9 = d >>> 55, v0 = RECIPROCALS[(int) d9 - 256] & 0xffff, d40 = (d >>> 24) + 1;
    long v1 = (v0 << 11) - ((v0 * v0 * d40) >>> 40) - 1;
    long v2 = (v1 << 13) + ((v1 * ((1L << 60) - v1 * d40)) >>> 47);
    long e = ((v2 >>> 1) & -(d & 1)) - v2 * ((d >>> 1) + (d & 1));
    long v3 = (multiplyHigh(v2, e) >>> 1) + (v2 << 31);
    long lo = v3 * d, hi = multiplyHigh(v3, d), l2 = lo + d;
    hi += carry(lo, d, l2);
    return v3 - (hi + d);
  }

  static long reciprocal2(long d1, long d0) {
    long v = reciprocal(d1), p = d1 * v + d0;
    if (below(p, d0)) {
      v--;
      if (!below(p, d1)) {
        v--;
        p -= d1;
      }
      p -= d1;
    }
    long t1 = multiplyHigh(v, d0), t0 = v * d0;
    p += t1;
    if (below(p, t1)) {
      v--;
      if (below(d1, p) || (p == d1 && !below(t0, d0))) v--;
    }
    return v;
  }

  /**
   * t[u..u+m] holds the normalised dividend (m+1 limbs), t[v..v+n-1] the normalised divisor, n>=2.
   * Quotient digits to t[q..q+m-n], remainder in t[u..u+n-1].
   */
  static void divideNormalised(long[] t, int u, int m, int v, int n, int q) {
    long v1 = t[v + n - 1], v0 = t[v + n - 2], rec;
    if (t[48] == v1 && t[49] == v0) rec = t[50];
    else {
      rec = reciprocal2(v1, v0);
      t[48] = v1;
      t[49] = v0;
      t[50] = rec;
    }
    for (int j = m - n; j >= 0; j--) {
      int k = u + j + n;
      long u2 = t[k], u1 = t[k - 1], u0 = t[k - 2], qh;
      if (u2 == 0) {
        if (below(u1, v1)) {
          t[q + j] = 0;
          continue;
        }
        long e = 0;
        for (int i = 0; i < n; i++) {
          long x = t[u + j + i], y = t[v + i], z = x - y - e;
          e = borrow(x, y, z);
          t[u + j + i] = z;
        }
        if (e != 0) {
          e = 0;
          for (int i = 0; i < n; i++) {
            long x = t[u + j + i], y = t[v + i], z = x + y + e;
            e = carry(x, y, z);
            t[u + j + i] = z;
          }
          t[q + j] = 0;
        } else t[q + j] = 1;
        continue;
      }
      if (u2 == v1 && u1 == v0) { // digit would overflow: q = 2^64-1
        qh = -1;
        long brw = 0, car = 0;
        for (int i = 0; i < n; i++) {
          long pl = qh * t[v + i], ph = multiplyHigh(qh, t[v + i]);
          long x = pl + car;
          ph += carry(pl, car, x);
          car = ph;
          long y = t[u + j + i], z = y - x - brw;
          brw = borrow(y, x, z);
          t[u + j + i] = z;
        }
        t[k] = u2 - car - brw;
        if (t[k] != 0) {
          long c = 0;
          qh--;
          for (int i = 0; i < n; i++) {
            long x = t[u + j + i], y = t[v + i], z = x + y + c;
            c = carry(x, y, z);
            t[u + j + i] = z;
          }
          t[k] = 0;
        }
        t[q + j] = qh;
        continue;
      }
      long ql = u2 * rec, x = ql + u1;
      qh = multiplyHigh(u2, rec) + u2 + carry(ql, u1, x);
      ql = x;
      long r1 = u1 - qh * v1, t0 = v0 * qh, t1 = multiplyHigh(v0, qh), r0 = u0 - t0;
      r1 = r1 - t1 - borrow(u0, t0, r0);
      long w = r0 - v0;
      r1 = r1 - v1 - borrow(r0, v0, w);
      r0 = w;
      qh++;
      long mk = borrow(r1, ql, r1 - ql) - 1; // -1 if r1 >= ql
      qh += mk;
      long av0 = v0 & mk, av1 = v1 & mk;
      w = r0 + av0;
      r1 = r1 + av1 + carry(r0, av0, w);
      r0 = w;
      if (!below(r1, v1) && (below(v1, r1) || !below(r0, v0))) {
        qh++;
        w = r0 - v0;
        r1 = r1 - v1 - borrow(r0, v0, w);
        r0 = w;
      }
      if (n > 2) {
        long brw = 0, car = 0;
        int i = 0;
        for (; i < n - 2; i++) {
          long vi = t[v + i], pl = qh * vi, ph = multiplyHigh(qh, vi);
          long xx = pl + car;
          ph += carry(pl, car, xx);
          car = ph;
          long y = t[u + j + i], z = y - xx - brw;
          brw = borrow(y, xx, z);
          t[u + j + i] = z;
        }
        long y = r0, z = y - car - brw;
        long b2 = borrow(y, car, z);
        r0 = z;
        z = r1 - b2;
        b2 = (~r1 & z) >>> 63;
        r1 = z;
        if (b2 != 0) {
          qh--;
          long c = 0;
          for (i = 0; i < n - 2; i++) {
            long a = t[u + j + i], b = t[v + i], e = a + b + c;
            c = carry(a, b, e);
            t[u + j + i] = e;
          }
          z = r0 + v0 + c;
          c = carry(r0, v0, z);
          r0 = z;
          r1 = r1 + v1 + c;
        }
      }
      t[k] = 0;
      t[k - 1] = r1;
      t[k - 2] = r0;
      t[q + j] = qh;
    }
  }

  /**
   * divides the m-limb number at t[0..m-1] (t[m] free) by the 256-bit value at s[b]; quotient
   * digits at t[QUOTIENT..], remainder (un-normalised) at t[0..3]. b != 0.
   */
  static final int DIVISOR = 12, QUOTIENT = 16;

  static int divide(long[] t, int m, long[] s, int b) {
    long b0 = s[b], b1 = s[b + 1], b2 = s[b + 2], b3 = s[b + 3];
    int n = b3 != 0 ? 4 : b2 != 0 ? 3 : b1 != 0 ? 2 : 1;
    while (m > n && t[m - 1] == 0) m--;
    if (m < n) m = n;
    int sh = Long.numberOfLeadingZeros(n == 4 ? b3 : n == 3 ? b2 : n == 2 ? b1 : b0);
    t[m] = 0;
    if (sh != 0) {
      for (int i = m; i > 0; i--) t[i] = (t[i] << sh) | (t[i - 1] >>> (64 - sh));
      t[0] <<= sh;
      b3 = (b3 << sh) | (b2 >>> (64 - sh));
      b2 = (b2 << sh) | (b1 >>> (64 - sh));
      b1 = (b1 << sh) | (b0 >>> (64 - sh));
      b0 <<= sh;
    }
    if (n == 1) {
      long rec = reciprocal(b0), r = t[m];
      for (int j = m - 1; j >= 0; j--) {
        long u0 = t[j],
            ql = r * rec,
            x = ql + u0,
            qh = multiplyHigh(r, rec) + r + carry(ql, u0, x) + 1;
        ql = x;
        long rr = u0 - qh * b0;
        if (below(ql, rr)) {
          qh--;
          rr += b0;
        }
        if (!below(rr, b0)) {
          qh++;
          rr -= b0;
        }
        t[QUOTIENT + j] = qh;
        r = rr;
        t[j] = 0;
      }
      t[0] = r >>> sh;
      t[1] = 0;
      t[2] = 0;
      t[3] = 0;
      return m;
    }
    t[DIVISOR] = b0;
    t[DIVISOR + 1] = b1;
    t[DIVISOR + 2] = b2;
    t[DIVISOR + 3] = b3;
    divideNormalised(t, 0, m, DIVISOR, n, QUOTIENT);
    for (int i = n; i < 4; i++) t[i] = 0;
    if (sh != 0) {
      t[0] = (t[0] >>> sh) | (t[1] << (64 - sh));
      t[1] = (t[1] >>> sh) | (t[2] << (64 - sh));
      t[2] = (t[2] >>> sh) | (t[3] << (64 - sh));
      t[3] >>>= sh;
    }
    return m - n + 1;
  }

  static void div(long[] s, int d, int a, int b, long[] t) {
    long bh = s[b + 1] | s[b + 2] | s[b + 3], ah = s[a + 1] | s[a + 2] | s[a + 3];
    if (bh == 0) {
      long b0 = s[b];
      if (b0 == 0) {
        set(s, d, 0);
        return;
      }
      if (ah == 0) {
        set(s, d, Long.divideUnsigned(s[a], b0));
        return;
      }
    }
    if (lessThan(s, a, b) != 0) {
      set(s, d, 0);
      return;
    }
    t[0] = s[a];
    t[1] = s[a + 1];
    t[2] = s[a + 2];
    t[3] = s[a + 3];
    int k = divide(t, 4, s, b);
    s[d] = t[QUOTIENT];
    s[d + 1] = k > 1 ? t[QUOTIENT + 1] : 0;
    s[d + 2] = k > 2 ? t[QUOTIENT + 2] : 0;
    s[d + 3] = k > 3 ? t[QUOTIENT + 3] : 0;
  }

  static void mod(long[] s, int d, int a, int b, long[] t) {
    long bh = s[b + 1] | s[b + 2] | s[b + 3], ah = s[a + 1] | s[a + 2] | s[a + 3];
    if (bh == 0) {
      long b0 = s[b];
      if (b0 == 0) {
        set(s, d, 0);
        return;
      }
      if (ah == 0) {
        set(s, d, Long.remainderUnsigned(s[a], b0));
        return;
      }
    }
    if (lessThan(s, a, b) != 0) {
      copy(s, d, a);
      return;
    }
    t[0] = s[a];
    t[1] = s[a + 1];
    t[2] = s[a + 2];
    t[3] = s[a + 3];
    divide(t, 4, s, b);
    s[d] = t[0];
    s[d + 1] = t[1];
    s[d + 2] = t[2];
    s[d + 3] = t[3];
  }

  static void negate(long[] s, int d, int a) {
    long w = ~s[a], x = ~s[a + 1], y = ~s[a + 2], z = ~s[a + 3];
    long r0 = w + 1, c = r0 == 0 ? 1 : 0, r1 = x + c;
    c &= r1 == 0 ? 1 : 0;
    long r2 = y + c;
    c &= r2 == 0 ? 1 : 0;
    s[d] = r0;
    s[d + 1] = r1;
    s[d + 2] = r2;
    s[d + 3] = z + c;
  }

  static void sdiv(
      long[] s,
      int d,
      int a,
      int b,
      long[] t) { // scratch copies in t[24..31] to keep operands intact
    boolean na = s[a + 3] < 0, nb = s[b + 3] < 0;
    if (!na && !nb) {
      div(s, d, a, b, t);
      return;
    }
    for (int i = 0; i < 4; i++) {
      t[24 + i] = s[a + i];
      t[28 + i] = s[b + i];
    }
    if (na) negate(t, 24, 24);
    if (nb) negate(t, 28, 28);
    div(t, 24, 24, 28, t);
    if (na != nb) negate(t, 24, 24);
    for (int i = 0; i < 4; i++) s[d + i] = t[24 + i];
  }

  static void smod(long[] s, int d, int a, int b, long[] t) {
    boolean na = s[a + 3] < 0, nb = s[b + 3] < 0;
    if (!na && !nb) {
      mod(s, d, a, b, t);
      return;
    }
    for (int i = 0; i < 4; i++) {
      t[24 + i] = s[a + i];
      t[28 + i] = s[b + i];
    }
    if (na) negate(t, 24, 24);
    if (nb) negate(t, 28, 28);
    mod(t, 24, 24, 28, t);
    if (na) negate(t, 24, 24);
    for (int i = 0; i < 4; i++) s[d + i] = t[24 + i];
  }

  static void addmod(long[] s, int d, int a, int b, int n, long[] t) {
    if ((s[n] | s[n + 1] | s[n + 2] | s[n + 3]) == 0) {
      set(s, d, 0);
      return;
    }
    long x = s[a], y = s[b], r0 = x + y, c = carry(x, y, r0);
    x = s[a + 1];
    y = s[b + 1];
    long r1 = x + y + c;
    c = carry(x, y, r1);
    x = s[a + 2];
    y = s[b + 2];
    long r2 = x + y + c;
    c = carry(x, y, r2);
    x = s[a + 3];
    y = s[b + 3];
    long r3 = x + y + c;
    c = carry(x, y, r3);
    if (lessThan(s, a, n) + lessThan(s, b, n) == 2) { // one conditional subtraction, masked
      long m0 = s[n], m1 = s[n + 1], m2 = s[n + 2], m3 = s[n + 3];
      long q0 = r0 - m0, e = borrow(r0, m0, q0), q1 = r1 - m1 - e;
      e = borrow(r1, m1, q1);
      long q2 = r2 - m2 - e;
      e = borrow(r2, m2, q2);
      long q3 = r3 - m3 - e;
      e = borrow(r3, m3, q3);
      long k = c - e; // -1: keep r; 0 or 1: take q
      k >>= 63;
      s[d] = (r0 & k) | (q0 & ~k);
      s[d + 1] = (r1 & k) | (q1 & ~k);
      s[d + 2] = (r2 & k) | (q2 & ~k);
      s[d + 3] = (r3 & k) | (q3 & ~k);
      return;
    }
    t[0] = r0;
    t[1] = r1;
    t[2] = r2;
    t[3] = r3;
    t[4] = c;
    divide(t, 5, s, n);
    s[d] = t[0];
    s[d + 1] = t[1];
    s[d + 2] = t[2];
    s[d + 3] = t[3];
  }

  /** full product of s[a], s[b] into t[0..7] */
  static void multiplyFull(long[] s, int a, int b, long[] t) {
    long b0 = s[b], b1 = s[b + 1], b2 = s[b + 2], b3 = s[b + 3], x = s[a], l, h, n, c;
    long r0 = x * b0;
    c = multiplyHigh(x, b0);
    l = x * b1;
    h = multiplyHigh(x, b1);
    long r1 = l + c;
    c = h + carry(l, c, r1);
    l = x * b2;
    h = multiplyHigh(x, b2);
    long r2 = l + c;
    c = h + carry(l, c, r2);
    l = x * b3;
    h = multiplyHigh(x, b3);
    long r3 = l + c;
    c = h + carry(l, c, r3);
    t[0] = r0;
    long r4 = c;
    x = s[a + 1];
    l = x * b0;
    h = multiplyHigh(x, b0);
    n = r1 + l;
    c = h + carry(r1, l, n);
    t[1] = n;
    l = x * b1;
    h = multiplyHigh(x, b1);
    n = l + c;
    h += carry(l, c, n);
    r1 = r2 + n;
    c = h + carry(r2, n, r1);
    l = x * b2;
    h = multiplyHigh(x, b2);
    n = l + c;
    h += carry(l, c, n);
    r2 = r3 + n;
    c = h + carry(r3, n, r2);
    l = x * b3;
    h = multiplyHigh(x, b3);
    n = l + c;
    h += carry(l, c, n);
    r3 = r4 + n;
    r4 = h + carry(r4, n, r3);
    x = s[a + 2];
    l = x * b0;
    h = multiplyHigh(x, b0);
    n = r1 + l;
    c = h + carry(r1, l, n);
    t[2] = n;
    l = x * b1;
    h = multiplyHigh(x, b1);
    n = l + c;
    h += carry(l, c, n);
    r1 = r2 + n;
    c = h + carry(r2, n, r1);
    l = x * b2;
    h = multiplyHigh(x, b2);
    n = l + c;
    h += carry(l, c, n);
    r2 = r3 + n;
    c = h + carry(r3, n, r2);
    l = x * b3;
    h = multiplyHigh(x, b3);
    n = l + c;
    h += carry(l, c, n);
    r3 = r4 + n;
    r4 = h + carry(r4, n, r3);
    x = s[a + 3];
    l = x * b0;
    h = multiplyHigh(x, b0);
    n = r1 + l;
    c = h + carry(r1, l, n);
    t[3] = n;
    l = x * b1;
    h = multiplyHigh(x, b1);
    n = l + c;
    h += carry(l, c, n);
    r1 = r2 + n;
    c = h + carry(r2, n, r1);
    l = x * b2;
    h = multiplyHigh(x, b2);
    n = l + c;
    h += carry(l, c, n);
    r2 = r3 + n;
    c = h + carry(r3, n, r2);
    l = x * b3;
    h = multiplyHigh(x, b3);
    n = l + c;
    h += carry(l, c, n);
    r3 = r4 + n;
    r4 = h + carry(r4, n, r3);
    t[4] = r1;
    t[5] = r2;
    t[6] = r3;
    t[7] = r4;
  }

  static void mulmod(long[] s, int d, int a, int b, int n, long[] t) {
    if ((s[n] | s[n + 1] | s[n + 2] | s[n + 3]) == 0) {
      set(s, d, 0);
      return;
    }
    multiplyFull(s, a, b, t);
    if (s[n + 3] != 0) reduce4(t, s, n);
    else divide(t, 8, s, n);
    s[d] = t[0];
    s[d + 1] = t[1];
    s[d + 2] = t[2];
    s[d + 3] = t[3];
  }

  /** t[0..7] mod the 4-limb s[n]: normalised, digits unrolled over a sliding window in locals. */
  static void reduce4(long[] t, long[] s, int n) {
    int sh = Long.numberOfLeadingZeros(s[n + 3]);
    long v0 = s[n], v1 = s[n + 1], v2 = s[n + 2], v3 = s[n + 3];
    long u7 = t[7], u6 = t[6], u5 = t[5], u4 = t[4], x8 = 0;
    if (sh != 0) {
      int k = 64 - sh;
      v3 = (v3 << sh) | (v2 >>> k);
      v2 = (v2 << sh) | (v1 >>> k);
      v1 = (v1 << sh) | (v0 >>> k);
      v0 <<= sh;
      x8 = u7 >>> k;
      u7 = (u7 << sh) | (u6 >>> k);
      u6 = (u6 << sh) | (u5 >>> k);
      u5 = (u5 << sh) | (u4 >>> k);
      u4 = (u4 << sh) | (t[3] >>> k);
      long y = (t[3] << sh) | (t[2] >>> k),
          z = (t[2] << sh) | (t[1] >>> k),
          w = (t[1] << sh) | (t[0] >>> k);
      t[0] <<= sh;
      t[1] = w;
      t[2] = z;
      t[3] = y;
    }
    long rec = reciprocal2(v3, v2);
    // window w4..w0 = top five limbs; each step removes q*v
    long w4 = x8, w3 = u7, w2 = u6, w1 = u5, w0 = u4;
    for (int j = 4; ; j--) {
      if (!(w4 == 0 && below(w3, v3))) {
        if (w4 == v3 && w3 == v2) { // rare
          t[24] = w0;
          t[25] = w1;
          t[26] = w2;
          t[27] = w3;
          t[28] = w4;
          t[DIVISOR] = v0;
          t[DIVISOR + 1] = v1;
          t[DIVISOR + 2] = v2;
          t[DIVISOR + 3] = v3;
          divideNormalised(t, 24, 4, DIVISOR, 4, QUOTIENT);
          w0 = t[24];
          w1 = t[25];
          w2 = t[26];
          w3 = t[27];
          w4 = 0;
        } else {
          long ql = w4 * rec, x = ql + w3, qh = multiplyHigh(w4, rec) + w4 + carry(ql, w3, x);
          ql = x;
          long t0 = v2 * qh,
              t1 = multiplyHigh(v2, qh),
              r0 = w2 - t0,
              r1 = w3 - qh * v3 - t1 - borrow(w2, t0, r0);
          long y = r0 - v2;
          r1 = r1 - v3 - borrow(r0, v2, y);
          r0 = y;
          qh++;
          long mk = borrow(r1, ql, r1 - ql) - 1; // -1 if r1 >= ql
          qh += mk;
          long b0 = v2 & mk, b1 = v3 & mk;
          y = r0 + b0;
          r1 = r1 + b1 + carry(r0, b0, y);
          r0 = y;
          if (!below(r1, v3) && (below(v3, r1) || !below(r0, v2))) {
            qh++;
            y = r0 - v2;
            r1 = r1 - v3 - borrow(r0, v2, y);
            r0 = y;
          }
          long pl = qh * v0, ph = multiplyHigh(qh, v0), z0 = w0 - pl, br = borrow(w0, pl, z0);
          long pl1 = qh * v1, ph1 = multiplyHigh(qh, v1), m = pl1 + ph;
          ph1 += carry(pl1, ph, m);
          long z1 = w1 - m - br;
          br = borrow(w1, m, z1);
          long z2 = r0 - ph1 - br;
          br = borrow(r0, ph1, z2);
          long z3 = r1 - br;
          br = (~r1 & z3) >>> 63;
          // add back, masked
          long k = -br, c;
          b0 = v0 & k;
          y = z0 + b0;
          c = carry(z0, b0, y);
          z0 = y;
          b0 = v1 & k;
          y = z1 + b0 + c;
          c = carry(z1, b0, y);
          z1 = y;
          b0 = v2 & k;
          y = z2 + b0 + c;
          c = carry(z2, b0, y);
          z2 = y;
          z3 = z3 + (v3 & k) + c;
          w0 = z0;
          w1 = z1;
          w2 = z2;
          w3 = z3;
        }
      }
      if (j == 0) break;
      w4 = w3;
      w3 = w2;
      w2 = w1;
      w1 = w0;
      w0 = t[j - 1];
    }
    if (sh != 0) {
      int k = 64 - sh;
      w0 = (w0 >>> sh) | (w1 << k);
      w1 = (w1 >>> sh) | (w2 << k);
      w2 = (w2 >>> sh) | (w3 << k);
      w3 >>>= sh;
    }
    t[0] = w0;
    t[1] = w1;
    t[2] = w2;
    t[3] = w3;
  }

  /**
   * base^e. Even base: e small or the result is 0. Odd base: after 62 squarings b = 1 + 2^64 y, so
   * the rest is a four-term binomial sum.
   */
  static final long INVERSE_OF_3 = 0xaaaaaaaaaaaaaaabL;

  static void exp(long[] s, int d, int a, int b, long[] t) {
    long e0 = s[b], e1 = s[b + 1], e2 = s[b + 2], e3 = s[b + 3], a0 = s[a];
    final int R = 0, B = 4;
    t[B] = a0;
    t[B + 1] = s[a + 1];
    t[B + 2] = s[a + 2];
    t[B + 3] = s[a + 3];
    t[R] = 1;
    t[R + 1] = 0;
    t[R + 2] = 0;
    t[R + 3] = 0;
    if ((a0 & 1) == 0) {
      if ((e0 | e1 | e2 | e3) != 0) {
        if ((e1 | e2 | e3) != 0 || (e0 & ~255) != 0) {
          set(s, d, 0);
          return;
        }
        if ((t[B + 1] | t[B + 2] | t[B + 3]) == 0 && a0 == 2) {
          int n = (int) e0;
          set(s, d, 0);
          s[d + (n >> 6)] = 1L << (n & 63);
          return;
        }
        for (; ; ) {
          if ((e0 & 1) != 0) mul(t, R, R, B);
          e0 >>>= 1;
          if (e0 == 0) break;
          square(t, B, B);
        }
      }
      s[d] = t[R];
      s[d + 1] = t[R + 1];
      s[d + 2] = t[R + 2];
      s[d + 3] = t[R + 3];
      return;
    }
    boolean more = (e1 | e2 | e3) != 0 || (e0 >>> 62) != 0;
    long k0 = (e0 >>> 62) | (e1 << 2), k1 = (e1 >>> 62) | (e2 << 2), k2 = (e2 >>> 62) | (e3 << 2);
    long e = e0 & (-1L >>> 2);
    int i = 0;
    for (; i < 62; i++) {
      if ((e & 1) != 0) mul(t, R, R, B);
      e >>>= 1;
      if (e == 0 && !more) break;
      square(t, B, B);
    }
    if (more) { // B = 1 + 2^64 y, y = t[B+1..B+3]; result *= 1 + k Y + C(k,2) Y^2 + C(k,3) Y^3, Y =
      // 2^64 y
      long y0 = t[B + 1], y1 = t[B + 2], y2 = t[B + 3];
      // k*y mod 2^192
      long f1 = k0 * y0, f2 = multiplyHigh(k0, y0), f3 = k0 * y2 + k1 * y1 + k2 * y0, p, q;
      p = k0 * y1;
      q = f2 + p;
      f3 += multiplyHigh(k0, y1) + carry(f2, p, q);
      f2 = q;
      p = k1 * y0;
      q = f2 + p;
      f3 += multiplyHigh(k1, y0) + carry(f2, p, q);
      f2 = q;
      // c2 = k(k-1)/2 mod 2^128
      long m0 = k0 - 1, bo = k0 == 0 ? 1 : 0, m1 = k1 - bo, m2 = k2 - (k1 == 0 ? bo : 0);
      long g0 = k0, g1 = k1, h0 = m0, h1 = m1;
      if ((k0 & 1) == 0) {
        g0 = (k0 >>> 1) | (k1 << 63);
        g1 = (k1 >>> 1) | (k2 << 63);
      } else {
        h0 = (m0 >>> 1) | (m1 << 63);
        h1 = (m1 >>> 1) | (m2 << 63);
      }
      long c0 = g0 * h0, c1 = multiplyHigh(g0, h0) + g0 * h1 + g1 * h0;
      long c3 = c0 * (k0 - 2) * INVERSE_OF_3; // C(k,3) mod 2^64
      // y^2 mod 2^128
      long z0 = y0 * y0, z1 = multiplyHigh(y0, y0) + 2 * y0 * y1;
      // c2*y^2 mod 2^128 at limb 2
      long w0 = c0 * z0, w1 = multiplyHigh(c0, z0) + c0 * z1 + c1 * z0;
      q = f2 + w0;
      f3 += w1 + carry(f2, w0, q);
      f2 = q;
      f3 += c3 * z0 * y0;
      t[B] = 1;
      t[B + 1] = f1;
      t[B + 2] = f2;
      t[B + 3] = f3;
      mul(t, R, R, B);
    }
    s[d] = t[R];
    s[d + 1] = t[R + 1];
    s[d + 2] = t[R + 2];
    s[d + 3] = t[R + 3];
  }

  static void shl(long[] s, int d, int n, int v) {
    long k = s[n];
    if ((s[n + 1] | s[n + 2] | s[n + 3] | (k & ~255)) != 0) {
      set(s, d, 0);
      return;
    }
    shiftLeft(s, d, v, (int) k);
  }

  static void shiftLeft(long[] s, int d, int v, int k) {
    long a = s[v], b = s[v + 1], c = s[v + 2], e = s[v + 3];
    if ((k & 128) != 0) {
      e = b;
      c = a;
      b = 0;
      a = 0;
    }
    if ((k & 64) != 0) {
      e = c;
      c = b;
      b = a;
      a = 0;
    }
    int r = k & 63; // (x >>> 1) >>> (63-r) avoids the shift by 64
    s[d] = a << r;
    s[d + 1] = (b << r) | ((a >>> 1) >>> (63 - r));
    s[d + 2] = (c << r) | ((b >>> 1) >>> (63 - r));
    s[d + 3] = (e << r) | ((c >>> 1) >>> (63 - r));
  }

  static void shr(long[] s, int d, int n, int v) {
    long k = s[n];
    if ((s[n + 1] | s[n + 2] | s[n + 3] | (k & ~255)) != 0) {
      set(s, d, 0);
      return;
    }
    shiftRight(s, d, v, (int) k, 0);
  }

  static void sar(long[] s, int d, int n, int v) {
    long k = s[n], f = s[v + 3] >> 63;
    if ((s[n + 1] | s[n + 2] | s[n + 3] | (k & ~255)) != 0) {
      s[d] = f;
      s[d + 1] = f;
      s[d + 2] = f;
      s[d + 3] = f;
      return;
    }
    shiftRight(s, d, v, (int) k, f);
  }

  static void shiftRight(long[] s, int d, int v, int k, long f) {
    long a = s[v], b = s[v + 1], c = s[v + 2], e = s[v + 3];
    if ((k & 128) != 0) {
      a = c;
      b = e;
      c = f;
      e = f;
    }
    if ((k & 64) != 0) {
      a = b;
      b = c;
      c = e;
      e = f;
    }
    int r = k & 63;
    s[d] = (a >>> r) | ((b << 1) << (63 - r));
    s[d + 1] = (b >>> r) | ((c << 1) << (63 - r));
    s[d + 2] = (c >>> r) | ((e << 1) << (63 - r));
    s[d + 3] = (e >>> r) | ((f << 1) << (63 - r));
  }

  static void byteAt(long[] s, int d, int n, int v) {
    long k = s[n];
    if ((s[n + 1] | s[n + 2] | s[n + 3] | (k & ~31)) != 0) {
      set(s, d, 0);
      return;
    }
    int i = 31 - (int) k;
    set(s, d, (s[v + (i >> 3)] >>> ((i & 7) << 3)) & 255);
  }

  static void signExtend(long[] s, int d, int n, int v) {
    long k = s[n];
    if ((s[n + 1] | s[n + 2] | s[n + 3]) != 0 || k < 0 || k > 30) {
      copy(s, d, v);
      return;
    }
    int i = (int) k, l = i >> 3, sh = 56 - ((i & 7) << 3);
    long x = s[v + l] << sh >> sh, f = x >> 63;
    long r0 = s[v], r1 = s[v + 1], r2 = s[v + 2], r3 = f;
    if (l == 0) {
      r0 = x;
      r1 = f;
      r2 = f;
    } else if (l == 1) {
      r1 = x;
      r2 = f;
    } else if (l == 2) r2 = x;
    else r3 = x;
    s[d] = r0;
    s[d + 1] = r1;
    s[d + 2] = r2;
    s[d + 3] = r3;
  }

  static void swap(long[] s, int a, int b) {
    long w = s[a], x = s[a + 1], y = s[a + 2], z = s[a + 3];
    copy(s, a, b);
    s[b] = w;
    s[b + 1] = x;
    s[b + 2] = y;
    s[b + 3] = z;
  }

  /** Returns the number of bits of the minimal binary form; 0 for 0. */
  static int bitLength(long[] s, int a) {
    for (int i = 3; i >= 0; i--) {
      if (s[a + i] != 0) return (i << 6) + 64 - Long.numberOfLeadingZeros(s[a + i]);
    }
    return 0;
  }
}
