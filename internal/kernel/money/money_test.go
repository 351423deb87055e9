package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

var currencies = []money.Currency{money.USD, money.CNY, money.SIM, "JPY", "KRW"}

// exact is what Charge must yield, computed with rationals.
func exact(c money.Currency, units *big.Rat, p money.Price, factors []money.Factor) *big.Int {
	x := new(big.Rat).Mul(units, big.NewRat(int64(p), 1))
	for _, f := range factors {
		x.Mul(x, big.NewRat(int64(f), int64(money.One)))
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(15-c.Exponent())), nil)
	x.Quo(x, new(big.Rat).SetInt(scale)).Add(x, big.NewRat(1, 2))
	return new(big.Int).Quo(x.Num(), x.Denom())
}

// sameAmount checks an amount against its exact value, where an error must be an overflow that is one.
func sameAmount(t interface{ Fatalf(string, ...any) }, got money.Amount, err error, want *big.Int) {
	switch {
	case errors.Is(err, money.ErrOverflow) && !want.IsInt64():
	case err != nil:
		t.Fatalf("%v where %s is exact", err, want)
	case want.Cmp(big.NewInt(int64(got))) != 0:
		t.Fatalf("charge is %d, exactly it is %s", got, want)
	}
}

func TestChargeIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(currencies).Draw(t, "currency")
		quantity := rapid.Int64Range(0, math.MaxInt64).Draw(t, "quantity")
		price := money.Price(rapid.Int64Range(0, math.MaxInt64).Draw(t, "price"))
		factors := rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, math.MaxInt64), func(v int64) money.Factor {
			return money.Factor(v)
		}), 0, 16).Draw(t, "factors")
		got, err := money.Charge(c, quantity, price, factors...)
		sameAmount(t, got, err, exact(c, big.NewRat(quantity, 1), price, factors))
	})
}

// TestChargeAsPeopleSetIt stays among prices and factors of real life, where no product overflows.
func TestChargeAsPeopleSetIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(currencies).Draw(t, "currency")
		quantity := rapid.Int64Range(0, 10_000_000).Draw(t, "quantity")
		price := money.Price(rapid.Int64Range(0, 1e12).Draw(t, "price"))
		factors := rapid.SliceOfN(rapid.Map(rapid.Int64Range(1, 2e9), func(v int64) money.Factor {
			return money.Factor(v)
		}), 0, 8).Draw(t, "factors")
		got, err := money.Charge(c, quantity, price, factors...)
		if err != nil {
			t.Fatal(err)
		}
		sameAmount(t, got, nil, exact(c, big.NewRat(quantity, 1), price, factors))
	})
}

func TestChargeUnitsIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(currencies).Draw(t, "currency")
		units := big.NewRat(rapid.Int64Range(0, 1e15).Draw(t, "numerator"), rapid.Int64Range(1, 1e15).Draw(t, "denominator"))
		price := money.Price(rapid.Int64Range(0, 1e15).Draw(t, "price"))
		factors := []money.Factor{money.Factor(rapid.Int64Range(0, 2e9).Draw(t, "factor"))}
		product, err := money.Multiply(factors)
		if err != nil {
			t.Fatal(err)
		}
		got, err := product.ChargeUnits(c, units, price)
		sameAmount(t, got, err, exact(c, units, price, factors))
	})
}

func TestChargeRefusesNegatives(t *testing.T) {
	t.Parallel()
	var none money.Product
	for name, charge := range map[string]func() (money.Amount, error){
		"quantity":    func() (money.Amount, error) { return money.Charge(money.USD, -1, 1) },
		"price":       func() (money.Amount, error) { return money.Charge(money.USD, 1, -1) },
		"factor":      func() (money.Amount, error) { return money.Charge(money.USD, 1, 1, -1) },
		"late factor": func() (money.Amount, error) { return money.Charge(money.USD, 1<<40, 1<<40, 1<<40, 1<<40, -1) },
		"units":       func() (money.Amount, error) { return none.ChargeUnits(money.USD, big.NewRat(-1, 2), 1) },
		"unit price":  func() (money.Amount, error) { return none.ChargeUnits(money.USD, big.NewRat(1, 2), -1) },
	} {
		if got, err := charge(); !errors.Is(err, money.ErrNegative) || got != 0 {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
}

// TestChargeDoesNotAllocate counts allocations, which a neighbour would make, and so does not run in parallel.
func TestChargeDoesNotAllocate(t *testing.T) {
	factors := []money.Factor{900_000_000, 850_000_000, 1_100_000_000, 999_999_999, 500_000_000}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := money.Charge(money.USD, 123_456_789, 2_500_000_000, factors...); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAddAndSubAreChecked(t *testing.T) {
	t.Parallel()
	anyAmount := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, -1, 0, 1, math.MaxInt64}))
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyAmount.Draw(t, "a"), anyAmount.Draw(t, "b")
		sum, err := money.Amount(a).Add(money.Amount(b))
		agree(t, sum, err, new(big.Int).Add(big.NewInt(a), big.NewInt(b)))
		difference, err := money.Amount(a).Sub(money.Amount(b))
		agree(t, difference, err, new(big.Int).Sub(big.NewInt(a), big.NewInt(b)))
	})
}

func agree(t *rapid.T, got money.Amount, err error, want *big.Int) {
	if want.IsInt64() != (err == nil) {
		t.Fatalf("%v where the result is %s", err, want)
	}
	if err == nil && want.Int64() != int64(got) {
		t.Fatalf("%d, want %s", got, want)
	}
}

func TestTextsRoundTrip(t *testing.T) {
	t.Parallel()
	sizes := []int64{1, 60, 1000, 3600, 10_000, 1_000_000}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64().Draw(t, "v")
		c := rapid.SampledFrom(currencies).Draw(t, "currency")
		if back, err := money.Parse(money.Amount(v).Text(c), c); err != nil || int64(back) != v {
			t.Fatalf("amount %d %s becomes %d, %v", v, c, back, err)
		}
		v &= math.MaxInt64
		if back, err := money.ParseFactor(money.Factor(v).Text()); err != nil || int64(back) != v {
			t.Fatalf("factor %d becomes %d, %v", v, back, err)
		}
		size := rapid.SampledFrom(sizes).Draw(t, "size")
		p := money.Price(v / size)
		text, err := p.Text(size)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := money.ParsePrice(text, size); err != nil || back != p {
			t.Fatalf("price %d for %d becomes %d, %v", p, size, back, err)
		}
	})
}

func TestPricesForSixty(t *testing.T) {
	t.Parallel()
	if p, err := money.ParsePrice("0.006", 60); err != nil || p != 100_000_000_000 {
		t.Errorf("0.006 a minute is %d a second, %v", p, err)
	}
	if _, err := money.ParsePrice("0.1", 7); !errors.Is(err, money.ErrPrecision) {
		t.Errorf("a seventh of 0.1 is not exact, but: %v", err)
	}
	if _, err := money.ParsePrice("1", 0); !errors.Is(err, money.ErrSyntax) {
		t.Errorf("a price for nothing: %v", err)
	}
	if _, err := money.Price(math.MaxInt64).Text(60); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("too large a price to print: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"": money.ErrSyntax, "-": money.ErrSyntax, ".5": money.ErrSyntax, "5.": money.ErrSyntax, "1e": money.ErrSyntax,
		"+1": money.ErrSyntax, "1e+-5": money.ErrSyntax, "1e++5": money.ErrSyntax, "1e65": money.ErrSyntax, "1\t": money.ErrSyntax,
		"0x10": money.ErrSyntax, "NaN": money.ErrSyntax, "Infinity": money.ErrSyntax, "١": money.ErrSyntax,
		"0.0000000001": money.ErrPrecision, "1e-10": money.ErrPrecision, "9223372036.854775808": money.ErrOverflow,
		"-9223372036.854775809": money.ErrOverflow, "1e64": money.ErrOverflow,
	} {
		if got, err := money.Parse(text, money.USD); !errors.Is(err, want) || got != 0 {
			t.Errorf("%q: %d, %v, want %v", text, got, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "-0.000000001", "1e3", "12.50", "1e+-5", "9223372036.854775807", "-9223372036.854775808"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := money.Parse(text, money.USD)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		if !ok || want.Cmp(big.NewRat(int64(got), 1e9)) != 0 {
			t.Fatalf("%q is read as %d", text, got)
		}
		if back, err := money.Parse(got.Text(money.USD), money.USD); err != nil || back != got {
			t.Fatalf("%d is written as %s and read as %d, %v", got, got.Text(money.USD), back, err)
		}
	})
}

func FuzzCharge(f *testing.F) {
	f.Add(int64(1), int64(1), int64(1), int64(1), int64(1))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64), int64(0), int64(1e9))
	f.Fuzz(func(t *testing.T, quantity, price, a, b, c int64) {
		factors := []money.Factor{money.Factor(a), money.Factor(b), money.Factor(c)}
		got, err := money.Charge(money.USD, quantity, money.Price(price), factors...)
		if quantity < 0 || price < 0 || min(a, b, c) < 0 {
			if err == nil {
				t.Fatalf("a negative is charged %d", got)
			}
			return
		}
		sameAmount(t, got, err, exact(money.USD, big.NewRat(quantity, 1), money.Price(price), factors))
	})
}

func FuzzNumber(f *testing.F) {
	f.Add([]byte(`1.5`))
	f.Add([]byte(`"1"`))
	f.Add([]byte(`1e400`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var n money.Number
		if json.Unmarshal(raw, &n) != nil {
			return
		}
		amount, err := n.Amount(money.CNY)
		if err != nil {
			return
		}
		if b, err := json.Marshal(money.NumberOf(amount, money.CNY)); err != nil || !json.Valid(b) {
			t.Fatalf("%s becomes %s, %v", raw, b, err)
		}
	})
}
