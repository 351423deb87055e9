package formula_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/pricing/formula"
)

// meters of the tests: a, b from 0 up, p from 1 to 10, and the condition c.
var meters = []formula.Meter{
	{Name: "a", Low: new(big.Rat), High: big.NewRat(math.MaxInt64, 1)},
	{Name: "b", Low: new(big.Rat), High: big.NewRat(math.MaxInt64, 1)},
	{Name: "p", Low: big.NewRat(1, 1), High: big.NewRat(10, 1)},
	{Name: "c", Bool: true, Low: new(big.Rat), High: big.NewRat(1, 1)},
}

func at(a, b, p, c int64) []*big.Rat {
	return []*big.Rat{big.NewRat(a, 1), big.NewRat(b, 1), big.NewRat(p, 1), big.NewRat(c, 1)}
}

func TestValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		of   []*big.Rat
		want string
	}{
		{"1 + 2 * 3", at(0, 0, 1, 0), "7"},
		{"(1 + 2) × 3 ÷ 4", at(0, 0, 1, 0), "9/4"},
		{"10 - 2 - 3", at(0, 0, 1, 0), "5"},
		{"12 / 2 / 3", at(0, 0, 1, 0), "2"},
		{"0.1 + 0.2", at(0, 0, 1, 0), "3/10"},
		{"a / 3 * 3", at(7, 0, 1, 0), "7"},
		{"max(0, a - b)", at(3, 5, 1, 0), "0"},
		{"max(0, -a + b)", at(3, 5, 1, 0), "2"},
		{"min(a, b, p)", at(3, 5, 2, 0), "2"},
		{"ceil(a / 2)", at(5, 0, 1, 0), "3"},
		{"ceil(a / 2)", at(4, 0, 1, 0), "2"},
		{"max(0, ceil(-1.5) + a)", at(5, 0, 1, 0), "4"},
		{"c ? 1 : 2", at(0, 0, 1, 1), "1"},
		{"c ? 1 : 2", at(0, 0, 1, 0), "2"},
		{"a < b ? 1 : a == b ? 2 : 3", at(5, 5, 1, 0), "2"},
		{"a != b ? 1 : 0", at(5, 5, 1, 0), "0"},
		{"a >= 5 ? b > 4 ? 1 : 2 : 3", at(5, 5, 1, 0), "1"},
		{"tier(a, 10, 1, 20, 2, 3)", at(10, 0, 1, 0), "1"},
		{"tier(a, 10, 1, 20, 2, 3)", at(11, 0, 1, 0), "2"},
		{"tier(a, 10, 1, 20, 2, 3)", at(21, 0, 1, 0), "3"},
		{"a / p", at(1, 0, 7, 0), "1/7"},
	} {
		p, err := formula.Parse(c.text, meters)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got, err := p.Value(c.of)
		if err != nil || got.RatString() != c.want {
			t.Errorf("%s = %v, %v; want %s", c.text, got, err, c.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		position int
		limit    bool
		says     string
	}{
		{"", 1, false, "breaks off"},
		{"1/0", 2, false, "divisor"},
		{"1/a", 2, false, "divisor"},
		{"a/(b-1)", 2, false, "divisor"},
		{"a > 0 ? 1/a : 0", 10, false, "divisor"},
		{"9**9**9**9", 2, true, "powers"},
		{"9^9", 2, true, "powers"},
		{`repeat("a",1e9)`, 1, false, "no meter named repeat"},
		{`os.Getenv("GANTRY_SECRET")`, 3, false, "no meaning"},
		{"-1*a", 1, false, "negative"},
		{"a - b", 1, false, "negative"},
		{"tokenz*2", 1, false, "no meter named tokenz"},
		{"a b", 3, false, "not expected"},
		{"(a", 3, false, ") is expected"},
		{"a +", 4, false, "breaks off"},
		{"--a", 2, false, "not expected"},
		{"a $ b", 3, false, "no meaning"},
		{"a & b", 3, false, "no meaning"},
		{"1e9", 2, false, "at most one point"},
		{"1.2.3", 4, false, "at most one point"},
		{".5", 1, false, "no meaning"},
		{"a < b", 3, false, "a number is needed"},
		{"a ? 1 : 2", 1, false, "condition"},
		{"c + 1", 1, false, "a number is needed"},
		{"c ? a < b : 1", 7, false, "a number is needed"},
		{"min(a)", 1, false, "more than one"},
		{"ceil(a, b)", 1, false, "takes one"},
		{"tier(a, 1)", 1, false, "pairs"},
		{"tier(a, b, 1, 2)", 9, false, "numbers"},
		{"tier(a, 10, 1, 5, 2, 3)", 16, false, "greater"},
		{"max(a,)", 7, false, "not expected"},
		{"round(a)", 1, false, "no meter named round"},
		{strings.Repeat("9", 41), 1, true, "digits"},
		{strings.Repeat("a+", 150) + "a", 0, true, "parts"},
		{strings.Repeat("(", 60) + "a" + strings.Repeat(")", 60), 0, true, "nested"},
		{strings.Repeat(" ", 5000), 0, true, "bytes"},
		{"a" + strings.Repeat("*a*b", 20), 0, true, "large"},
		{"a 二", 3, false, "no meaning"},
	} {
		_, err := formula.Parse(c.text, meters)
		f, ok := errors.AsType[*formula.Error](err)
		if !ok {
			t.Errorf("%.40s: %v", c.text, err)
			continue
		}
		if f.Limit != c.limit || !strings.Contains(f.Error(), c.says) || (c.position > 0 && f.Offset+1 != c.position) {
			t.Errorf("%.40s: %v, limit %v", c.text, f, f.Limit)
		}
	}
}

func TestOverflowIsAnError(t *testing.T) {
	t.Parallel()
	wide := []formula.Meter{{Name: "a", Low: big.NewRat(1, 1), High: big.NewRat(10, 1)}}
	p, err := formula.Parse("a"+strings.Repeat("*a", 90), wide)
	if err != nil {
		t.Fatal(err)
	}
	huge := big.NewRat(1, 1).SetFrac(big.NewInt(7), new(big.Int).Lsh(big.NewInt(1), 60))
	if v, err := p.Value([]*big.Rat{huge}); !errors.Is(err, formula.ErrOverflow) {
		t.Errorf("%v, %v", v, err)
	}
}

// drawn is a formula together with how to calculate it, apart from the package.
type drawn struct {
	text  string
	value func(of []*big.Rat) *big.Rat
}

// draw makes a formula that is never negative.
func draw(t *rapid.T, depth int) drawn {
	kinds := 5
	if depth > 0 {
		kinds = 13
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		n := 50 * rapid.Int64Range(0, 200).Draw(t, "number")
		return drawn{fmt.Sprintf("%d.%02d", n/100, n%100), func([]*big.Rat) *big.Rat { return big.NewRat(n, 100) }}
	case 1, 2, 3, 4:
		i := rapid.IntRange(0, 2).Draw(t, "meter")
		return drawn{meters[i].Name, func(of []*big.Rat) *big.Rat { return of[i] }}
	case 5:
		return pair(t, depth, "(%s + %s)", func(x, y *big.Rat) *big.Rat { return new(big.Rat).Add(x, y) })
	case 6:
		return pair(t, depth, "(%s * %s)", func(x, y *big.Rat) *big.Rat { return new(big.Rat).Mul(x, y) })
	case 7:
		return pair(t, depth, "max(0, %s - %s)", func(x, y *big.Rat) *big.Rat {
			if d := new(big.Rat).Sub(x, y); d.Sign() > 0 {
				return d
			}
			return new(big.Rat)
		})
	case 8:
		return pair(t, depth, "%s / (1 + %s)", func(x, y *big.Rat) *big.Rat {
			return new(big.Rat).Quo(x, new(big.Rat).Add(y, big.NewRat(1, 1)))
		}).wrapped()
	case 9:
		return pair(t, depth, "min(%s, %s)", func(x, y *big.Rat) *big.Rat {
			if x.Cmp(y) < 0 {
				return x
			}
			return y
		})
	case 10:
		return pair(t, depth, "ceil(%s) + 0 * (%s)", func(x, _ *big.Rat) *big.Rat {
			n := new(big.Int).Add(x.Num(), x.Denom())
			n.Sub(n, big.NewInt(1)).Quo(n, x.Denom())
			return new(big.Rat).SetInt(n)
		}).wrapped()
	case 11:
		return pair(t, depth, "(%[1]s <= %[2]s ? 2 * %[1]s : %[2]s / 2)", func(x, y *big.Rat) *big.Rat {
			if x.Cmp(y) <= 0 {
				return new(big.Rat).Add(x, x)
			}
			return new(big.Rat).Quo(y, big.NewRat(2, 1))
		})
	default:
		return pair(t, depth, "tier(%s, 5, 3, 50, 20, %s)", func(x, y *big.Rat) *big.Rat {
			switch {
			case x.Cmp(big.NewRat(5, 1)) <= 0:
				return big.NewRat(3, 1)
			case x.Cmp(big.NewRat(50, 1)) <= 0:
				return big.NewRat(20, 1)
			default:
				return y
			}
		})
	}
}

func (d drawn) wrapped() drawn { return drawn{"(" + d.text + ")", d.value} }

func pair(t *rapid.T, depth int, format string, f func(x, y *big.Rat) *big.Rat) drawn {
	x, y := draw(t, depth-1), draw(t, depth-1)
	return drawn{fmt.Sprintf(format, x.text, y.text), func(of []*big.Rat) *big.Rat { return f(x.value(of), y.value(of)) }}
}

func TestAgreesWithRationals(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t, rapid.IntRange(1, 4).Draw(t, "depth"))
		p, err := formula.Parse(d.text, meters)
		if f, ok := errors.AsType[*formula.Error](err); ok && f.Limit {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", d.text, err)
		}
		high := [3]int64{rapid.Int64Range(0, 60).Draw(t, "a"), rapid.Int64Range(0, 60).Draw(t, "b"), rapid.Int64Range(1, 10).Draw(t, "p")}
		one := big.NewRat(1, 1)
		bound, err := p.Bound([]formula.Range{
			{Low: new(big.Rat), High: big.NewRat(high[0], 1)},
			{Low: new(big.Rat), High: big.NewRat(high[1], 1)},
			{Low: one, High: big.NewRat(high[2], 1)},
			{Low: new(big.Rat), High: one},
		})
		if err != nil {
			t.Fatalf("%s: %v", d.text, err)
		}
		of := at(rapid.Int64Range(0, high[0]).Draw(t, "a used"), rapid.Int64Range(0, high[1]).Draw(t, "b used"),
			rapid.Int64Range(1, high[2]).Draw(t, "p used"), 0)
		got, err := p.Value(of)
		if err != nil || got.Cmp(d.value(of)) != 0 {
			t.Fatalf("%s = %v, %v; want %s", d.text, got, err, d.value(of).RatString())
		}
		if got.Cmp(bound.Low) < 0 || got.Cmp(bound.High) > 0 {
			t.Fatalf("%s = %s is not between %s and %s", d.text, got.RatString(), bound.Low.RatString(), bound.High.RatString())
		}
	})
}

// FuzzParse reads any text: what is accepted has a value that is not negative and lies within its bounds.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"1/0", "max(0, a - b)", "c ? a : b", "tier(a, 1, 2, 3)", "ceil(a/p)*2.5", "9**9", "a == b ? 1 : 0", "((((a))))",
		"min(a, b) / max(1, b)", "-a", "a<b?1:2", "a >= p ? a*b : (a+1)/(p)", "a×b÷p",
	} {
		f.Add(s, int64(3), int64(1000), int64(5), true)
	}
	f.Fuzz(func(t *testing.T, text string, a, b, p int64, c bool) {
		program, err := formula.Parse(text, meters)
		if err != nil {
			if _, ok := errors.AsType[*formula.Error](err); !ok || program != nil {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		of := at(a&math.MaxInt64, b&math.MaxInt64, 1+(p&math.MaxInt64)%10, map[bool]int64{true: 1}[c])
		v, err := program.Value(of)
		if errors.Is(err, formula.ErrOverflow) {
			return
		}
		if err != nil || v.Sign() < 0 {
			t.Fatalf("%q = %v, %v", text, v, err)
		}
		ranges := make([]formula.Range, len(of))
		for i := range of {
			ranges[i] = formula.Range{Low: meters[i].Low, High: of[i]}
		}
		bound, err := program.Bound(ranges)
		if err == nil && (v.Cmp(bound.Low) < 0 || v.Cmp(bound.High) > 0) {
			t.Fatalf("%q = %s is not between %s and %s", text, v, bound.Low, bound.High)
		}
		if err != nil && !errors.Is(err, formula.ErrOverflow) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
