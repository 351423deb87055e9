package pricing

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// maxWeight bounds weights and time factors; the least is 1e-9. A weight of zero is refused: free is a price of zero.
const maxWeight = 1000 * money.One

// weight multiplies by the value of one dimension.
type weight struct {
	dimension string
	schema    schema
	factors   map[string]NamedFactor
}

// newWeights reads baseWeight: {dimension: {value: factor}}. Every value that the dimension can have needs a factor, or
// "*" gives that of the others.
func newWeights(raw json.RawMessage, s schema) ([]weight, error) {
	if isEmpty(raw) {
		return nil, nil
	}
	var in map[string]map[string]money.Number
	if err := strictAs(ErrWeight, raw, &in, "baseWeight"); err != nil {
		return nil, err
	}
	var out []weight
	for _, name := range slices.Sorted(maps.Keys(in)) {
		w, err := newWeight(name, in[name], s)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

func newWeight(name string, in map[string]money.Number, s schema) (weight, error) {
	path := "baseWeight." + name
	d, ok := s[name]
	if !ok {
		return weight{}, ErrWeight.Saying("The dimension is not declared in dimensionSchema.").At(path)
	}
	w := weight{dimension: name, schema: s, factors: map[string]NamedFactor{}}
	for _, text := range slices.Sorted(maps.Keys(in)) {
		value, ok := d.read(text)
		if !ok && text != "*" {
			return weight{}, ErrWeight.Saying("The dimension cannot have this value.").At(path + "." + text)
		}
		if text == "*" {
			value = text
		}
		f, err := newFactor(in[text])
		if err != nil {
			return weight{}, err.At(path + "." + text)
		}
		w.factors[value] = NamedFactor{Name: "weight:" + name + "=" + value, Value: f}
	}
	if !w.covers(d) {
		return weight{}, ErrWeight.Saying(`Each value needs a weight; "*" gives that of the others.`).At(path)
	}
	return w, nil
}

func (w *weight) covers(d *dimension) bool {
	if _, all := w.factors["*"]; all {
		return true
	}
	values := d.enum
	if d.kind == kindBoolean && len(values) == 0 {
		values = []string{"true", "false"}
	}
	for _, v := range values {
		if _, ok := w.factors[v]; !ok {
			return false
		}
	}
	return len(values) > 0
}

// of is the factor of a call. Code: price_dimension.
func (w *weight) of(dims Dimensions) (NamedFactor, error) {
	value, err := w.schema.value(w.dimension, dims)
	if err != nil {
		return NamedFactor{}, err
	}
	if f, ok := w.factors[value]; ok {
		return f, nil
	}
	return w.factors["*"], nil
}

// newFactor reads a weight: more than 0, at most 1000.
func newFactor(n money.Number) (money.Factor, *fault.Error) {
	f, err := money.ParseFactor(string(n))
	if err != nil {
		return 0, ErrWeight.Because(err)
	}
	if f <= 0 || f > maxWeight {
		return 0, ErrWeight.Saying("A weight is more than 0 and at most 1000.")
	}
	return f, nil
}
