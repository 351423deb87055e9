package pricing

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// CalculatorTiered prices by the length of the context or by the volume of one call.
const CalculatorTiered = "tiered"

const maxTiers = 32

// TieredConfig is the formulaConfig of a tiered rule. The first tier whose UpTo is not exceeded applies.
type TieredConfig struct {
	// By is "context" (all input tokens of the call; default) or "volume" (the rule's own quantity).
	By string `json:"by,omitempty"`
	// Mode is "whole" (the tier's price holds for the whole quantity; default) or, by volume only, "graduated" (each
	// tier's price holds for the part of the quantity that lies in it).
	Mode  string `json:"mode,omitempty"`
	Tiers []Tier `json:"tiers"`
}

// Tier is a price up to and with a limit in natural units; the last tier has none.
type Tier struct {
	UpTo  *int64       `json:"upTo,omitempty"`
	Price money.Number `json:"price"`
}

type tiered struct {
	byVolume  bool
	graduated bool
	tiers     []compiledTier
}

type compiledTier struct {
	after int64 // exceeded
	upTo  int64 // MaxInt64 for the last
	price money.Price
	basis string
}

func newTiered(r *Rule, _ schema) (calculator, error) {
	var c TieredConfig
	if err := strictAs(ErrConfig, r.Config, &c, "formulaConfig"); err != nil {
		return nil, err
	}
	t := &tiered{byVolume: c.By == "volume", graduated: c.Mode == "graduated"}
	switch {
	case c.By != "" && c.By != "volume" && c.By != "context":
		return nil, ErrConfig.Saying("Tiers go by context or by volume.").At("formulaConfig.by")
	case c.Mode != "" && c.Mode != "graduated" && c.Mode != "whole":
		return nil, ErrConfig.Saying("The mode of tiers is whole or graduated.").At("formulaConfig.mode")
	case t.graduated && !t.byVolume:
		return nil, ErrConfig.Saying("Graduated tiers go by volume: a context is of one length.").At("formulaConfig.mode")
	case len(c.Tiers) == 0:
		return nil, ErrConfig.Saying("At least one tier is needed.").At("formulaConfig.tiers")
	case len(c.Tiers) > maxTiers:
		return nil, ErrLimit.Saying("There are too many tiers.").At("formulaConfig.tiers")
	}
	return t, t.add(&c, r.Unit)
}

// add compiles the tiers: without overlap, without gap, and open at the end.
func (t *tiered) add(c *TieredConfig, u Unit) error {
	by := "context"
	if t.byVolume {
		by = "volume"
	}
	after := int64(0)
	for i, in := range c.Tiers {
		path, last := fmt.Sprintf("formulaConfig.tiers[%d].", i), i == len(c.Tiers)-1
		if (in.UpTo == nil) != last {
			return ErrConfig.Saying("Each tier but the last has an upTo, and the last has none.").At(path + "upTo")
		}
		price, err := money.ParsePrice(string(in.Price), u.Size())
		if err != nil {
			return errPrice(err).At(path + "price")
		}
		tier := compiledTier{after: after, upTo: maxQuantity, price: price, basis: by + ">" + strconv.FormatInt(after, 10)}
		if !last {
			if *in.UpTo <= after {
				return ErrConfig.Saying("The limits of tiers must rise.").At(path + "upTo")
			}
			tier.upTo, tier.basis = *in.UpTo, by+"<="+strconv.FormatInt(*in.UpTo, 10)
			after = *in.UpTo
		}
		t.tiers = append(t.tiers, tier)
	}
	return nil
}

func (t *tiered) linear() bool { return !t.byVolume }

func (t *tiered) quotes() []part {
	out := make([]part, len(t.tiers))
	for i := range t.tiers {
		out[i] = t.tiers[i].part(0)
	}
	return out
}

func (t *tiered) parts(m *meters) ([]part, error) {
	if t.graduated {
		return t.slices(m.quantity), nil
	}
	measure := m.input
	if t.byVolume {
		measure = m.quantity
	}
	for i := range t.tiers {
		if tier := &t.tiers[i]; measure <= tier.upTo {
			return []part{tier.part(m.quantity)}, nil
		}
	}
	return nil, ErrOverflow
}

func (t *compiledTier) part(quantity int64) part {
	return part{quantity: quantity, price: t.price, basis: t.basis}
}

// slices takes a quantity apart into what lies in each tier.
func (t *tiered) slices(quantity int64) []part {
	var out []part
	for i := range t.tiers {
		tier := &t.tiers[i]
		if quantity > tier.after {
			out = append(out, tier.part(min(quantity, tier.upTo)-tier.after))
		}
	}
	return out
}

// worst tries each tier that can be reached at the most that fits into it: a cheaper tier above may cost less in all.
// Slices only grow with the quantity.
func (t *tiered) worst(m *meters) ([]part, error) {
	if t.graduated {
		return t.slices(m.quantity), nil
	}
	reach, own := m.input, isInput(m.resource)
	if t.byVolume {
		reach, own = m.quantity, true
	}
	var dearest part
	for i := range t.tiers {
		tier := &t.tiers[i]
		if tier.after > 0 && tier.after >= reach {
			break
		}
		most := m.quantity
		if own {
			most = min(most, tier.upTo)
		}
		if p := tier.part(most); dearer(p, dearest) {
			dearest = p
		}
	}
	return []part{dearest}, nil
}

// dearer reports whether a costs at least as much as b.
func dearer(a, b part) bool {
	ahi, alo := bits.Mul64(uint64(a.quantity), uint64(a.price)) //nolint:gosec // neither is negative
	bhi, blo := bits.Mul64(uint64(b.quantity), uint64(b.price)) //nolint:gosec // neither is negative
	return ahi > bhi || (ahi == bhi && alo >= blo)
}

// isInput reports whether r is part of a call's context.
func isInput(r inference.Resource) bool { return family(r) == inference.TextInput }

// isEmpty reports whether an object says nothing.
func isEmpty(raw json.RawMessage) bool {
	s := string(raw)
	return s == "" || s == "{}" || s == "null"
}
