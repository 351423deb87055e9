package pricing

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// CheckDiscount refuses a billingDiscountPolicy that ParsePolicy cannot read; path is where it stands.
// Code: discount_invalid.
func CheckDiscount(path string, raw json.RawMessage) error {
	_, err := ParsePolicy(raw)
	return below(path, err)
}

// RechargePolicy is the rechargeDiscountPolicy of a group: what its members pay of an amount that they recharge.
type RechargePolicy struct {
	standard   money.Factor
	currencies map[money.Currency]money.Factor
}

// ParseRechargePolicy reads {default, currencies:{code:factor}}; empty, null and {} give no discount. Factors are more than
// 0 and at most 1000. Code: discount_invalid, with the path.
func ParseRechargePolicy(raw json.RawMessage) (*RechargePolicy, error) {
	var in struct {
		Default    *money.Number                   `json:"default"`
		Currencies map[money.Currency]money.Number `json:"currencies"`
	}
	if err := strictAs(ErrPolicy, raw, &in, ""); err != nil {
		return nil, err
	}
	p := &RechargePolicy{standard: money.One, currencies: map[money.Currency]money.Factor{}}
	var err *fault.Error
	if in.Default != nil {
		if p.standard, err = newFactor(*in.Default); err != nil {
			return nil, ErrPolicy.Because(err).At("default")
		}
	}
	for _, c := range slices.Sorted(maps.Keys(in.Currencies)) {
		if !c.Known() {
			return nil, ErrPolicy.Saying("The currency is not known.").At("currencies." + string(c))
		}
		if p.currencies[c], err = newFactor(in.Currencies[c]); err != nil {
			return nil, ErrPolicy.Because(err).At("currencies." + string(c))
		}
	}
	return p, nil
}

// Factor is what is paid of an amount in the currency; a nil policy changes nothing.
func (p *RechargePolicy) Factor(c money.Currency) money.Factor {
	if p == nil {
		return money.One
	}
	if f, ok := p.currencies[c]; ok {
		return f
	}
	return p.standard
}

// CheckRecharge refuses a rechargeDiscountPolicy that ParseRechargePolicy cannot read. Code: discount_invalid.
func CheckRecharge(path string, raw json.RawMessage) error {
	_, err := ParseRechargePolicy(raw)
	return below(path, err)
}

// below puts the path of a fault below another.
func below(path string, err error) error {
	f := fault.From(err)
	switch {
	case f == nil:
		return nil
	case f.Path == "":
		return f.At(path)
	}
	return f.At(path + "." + f.Path)
}
