package money

import "math/big"

// chargeWide is Charge for numbers beyond 128 bits.
func chargeWide(c Currency, quantity int64, price Price, factors []Factor) (Amount, error) {
	n := new(big.Int).Mul(big.NewInt(quantity), big.NewInt(int64(price)))
	d := new(big.Int).SetUint64(pow10[priceExponent-c.Exponent()])
	one := big.NewInt(int64(One))
	for _, f := range factors {
		if f < 0 {
			return 0, ErrNegative
		}
		n.Mul(n, big.NewInt(int64(f)))
		d.Mul(d, one)
	}
	half := new(big.Int).Rsh(d, 1)
	n.Add(n, half).Quo(n, d)
	if !n.IsInt64() {
		return 0, ErrOverflow
	}
	return Amount(n.Int64()), nil
}
