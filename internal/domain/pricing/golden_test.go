package pricing_test

import (
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// priceBook is a file of the golden price book: one model's prices, and calls whose cost was computed by hand or by
// exact fractions, never by this package. The comment of a case shows the arithmetic.
type priceBook struct {
	Model  string          `json:"model"`
	Source string          `json:"source"`
	Config json.RawMessage `json:"config"`
	Cases  []goldenCase    `json:"cases"`
}

type goldenCase struct {
	Name       string             `json:"name"`
	Usage      map[string]int64   `json:"usage"`
	Dimensions pricing.Dimensions `json:"dimensions"`
	At         time.Time          `json:"at"`
	Discounts  []goldenFactor     `json:"discounts"`
	Lines      []goldenLine       `json:"lines"`
	Total      string             `json:"total"`
	Comment    string             `json:"comment"`
}

type goldenFactor struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type goldenLine struct {
	Resource string   `json:"resource"`
	Quantity int64    `json:"quantity"`
	Units    string   `json:"units"`
	Basis    string   `json:"basis"`
	Factors  []string `json:"factors"`
	Amount   string   `json:"amount"`
}

// leastGolden is how many cases the book must hold, so that none goes missing unnoticed.
const leastGolden = 490

func TestGoldenPriceBook(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/golden/*.json")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, file := range files {
		book := readBook(t, file)
		count += len(book.Cases)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			book.check(t)
		})
	}
	if count < leastGolden {
		t.Errorf("the book holds %d cases, there were %d", count, leastGolden)
	}
}

func readBook(t *testing.T, file string) (book priceBook) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &book); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return book
}

func (b *priceBook) check(t *testing.T) {
	t.Helper()
	s, err := pricing.Compile(rules(t, string(b.Config)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.Cases {
		c := &b.Cases[i]
		in := c.inputs(t)
		lines, sum, err := s.Bill(&in)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if diff := cmp.Diff(c.Lines, shown(lines)); diff != "" {
			t.Errorf("%s (%s): lines differ:\n%s", c.Name, c.Comment, diff)
		}
		if got := sum.Text(s.Currency); got != c.Total {
			t.Errorf("%s (%s): total %s, want %s", c.Name, c.Comment, got, c.Total)
		}
		checkAgreement(t, c.Name, s, in, lines, sum)
	}
}

func (c *goldenCase) inputs(t *testing.T) pricing.Inputs {
	t.Helper()
	in := pricing.Inputs{Dimensions: c.Dimensions, At: c.At}
	for name, quantity := range c.Usage {
		r, ok := inference.ParseResource(name)
		if !ok {
			t.Fatalf("%s: no resource %s", c.Name, name)
		}
		in.Usage.Quantities[r] = quantity
	}
	for _, d := range c.Discounts {
		f, err := money.ParseFactor(d.Value)
		if err != nil {
			t.Fatal(err)
		}
		in.Discounts = append(in.Discounts, pricing.NamedFactor{Name: d.Name, Value: f})
	}
	return in
}

func shown(lines []pricing.Line) []goldenLine {
	out := []goldenLine{}
	for i := range lines {
		l := &lines[i]
		g := goldenLine{
			Resource: l.Resource.String(), Quantity: l.Quantity, Units: l.Units, Basis: l.Basis, Amount: l.Amount.Text(l.Currency),
		}
		for _, f := range l.Factors {
			g.Factors = append(g.Factors, f.Name+"="+f.Value.Text())
		}
		out = append(out, g)
	}
	return out
}

// checkAgreement checks what must hold of every bill: the sum is that of Amount, holds cover it, lines survive storage
// and can be computed again from themselves.
func checkAgreement(t interface {
	Helper()
	Errorf(string, ...any)
}, name string, s *pricing.Schedule, in pricing.Inputs, lines []pricing.Line, sum money.Amount,
) {
	t.Helper()
	if amount, err := s.Amount(&in); err != nil || amount != sum {
		t.Errorf("%s: Amount is %d, %v; the bill's sum is %d", name, amount, err, sum)
	}
	for _, split := range []bool{false, true} {
		in.Split = split
		if hold, err := s.WorstCase(&in); err == nil && hold < sum {
			t.Errorf("%s: the worst case is %d (split: %v), the bill %d", name, hold, split, sum)
		}
	}
	stored := pricing.AppendLines(nil, lines)
	var back []pricing.Line
	if err := json.Unmarshal(stored, &back); err != nil {
		t.Errorf("%s: %v in %s", name, err, stored)
		return
	}
	var again money.Amount
	for i := range back {
		again += recomputed(t, &back[i])
	}
	if again != sum || string(pricing.AppendLines(nil, back)) != string(stored) {
		t.Errorf("%s: stored lines give %d, the bill was %d: %s", name, again, sum, stored)
	}
}

// recomputed is a line's amount from the line alone, in rationals.
func recomputed(t interface{ Errorf(string, ...any) }, l *pricing.Line) money.Amount {
	x := big.NewRat(l.Quantity, 1)
	if l.Units != "" {
		x.SetString(l.Units)
	}
	x.Mul(x, big.NewRat(int64(l.Price), 1e15))
	for _, f := range l.Factors {
		x.Mul(x, big.NewRat(int64(f.Value), 1e9))
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(l.Currency.Exponent())), nil)
	x.Mul(x, new(big.Rat).SetInt(scale)).Add(x, big.NewRat(1, 2))
	whole := new(big.Int).Quo(x.Num(), x.Denom())
	if got := money.Amount(whole.Int64()); got != l.Amount {
		t.Errorf("line of %s: stored %d, computed again %d", l.Resource, l.Amount, got)
	}
	return l.Amount
}
