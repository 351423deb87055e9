package pricing

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Dimensions are the parameters of a call that prices go by, such as resolution or audio, as text: "1080p", "true", "5".
type Dimensions map[string]string

const (
	maxDimensions = 16
	maxValues     = 64
	maxValueText  = 64
)

// DimensionSchema is one declaration of a rule's dimensionSchema, in the words of JSON Schema.
type DimensionSchema struct {
	Type        string       `json:"type"` // string (default), boolean, integer, number
	Enum        []scalar     `json:"enum,omitempty"`
	Default     *scalar      `json:"default,omitempty"` // what a call has that does not say; without it the call is refused
	Minimum     money.Number `json:"minimum,omitempty"` // 0 if absent
	Maximum     money.Number `json:"maximum,omitempty"` // 1e9 if absent
	Description string       `json:"description,omitempty"`
}

// The types of dimensions.
const (
	kindString  = "string"
	kindBoolean = "boolean"
	kindInteger = "integer"
	kindNumber  = "number"
)

// scalar is a JSON string, boolean or number as its text.
type scalar string

// UnmarshalJSON reads a string, a boolean or a number.
func (s *scalar) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil && b[0] == '"' {
		*s = scalar(text)
		return nil
	}
	if b[0] == '{' || b[0] == '[' || b[0] == 'n' {
		return ErrSchema
	}
	*s = scalar(b)
	return nil
}

// schema is a compiled dimensionSchema.
type schema map[string]*dimension

type dimension struct {
	kind      string
	enum      []string
	fallback  string
	hasDflt   bool
	low, high *big.Rat
}

func newSchema(raw json.RawMessage) (schema, error) {
	if isEmpty(raw) {
		return schema{}, nil
	}
	var in map[string]json.RawMessage
	if err := strictAs(ErrSchema, raw, &in, "dimensionSchema"); err != nil {
		return nil, err
	}
	if len(in) > maxDimensions {
		return nil, ErrLimit.Saying("There are too many dimensions.").At("dimensionSchema")
	}
	s := schema{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		path := "dimensionSchema." + name
		if !isWord(name) {
			return nil, ErrSchema.Saying("A dimension's name consists of letters, digits and _.").At(path)
		}
		var d DimensionSchema
		if err := strictAs(ErrSchema, in[name], &d, path); err != nil {
			return nil, err
		}
		compiled, err := d.compile(path + ".")
		if err != nil {
			return nil, err
		}
		s[name] = compiled
	}
	return s, nil
}

func (in *DimensionSchema) compile(path string) (*dimension, error) {
	d := &dimension{kind: in.Type, low: new(big.Rat), high: big.NewRat(1e9, 1)}
	switch in.Type {
	case "":
		d.kind = kindString
	case kindBoolean:
		d.high = big.NewRat(1, 1)
	case kindString, kindInteger, kindNumber:
	default:
		return nil, ErrSchema.Saying("The type is string, boolean, integer or number.").At(path + "type")
	}
	if err := in.bounds(d, path); err != nil {
		return nil, err
	}
	if len(in.Enum) > maxValues {
		return nil, ErrLimit.Saying("There are too many values.").At(path + "enum")
	}
	for _, v := range in.Enum {
		value, ok := d.canonical(string(v))
		if !ok || slices.Contains(d.enum, value) {
			return nil, ErrSchema.Saying("The value " + strconv.Quote(string(v)) + " is not valid or stands twice.").At(path + "enum")
		}
		d.enum = append(d.enum, value)
	}
	if d.kind == kindString && len(d.enum) == 0 {
		return nil, ErrSchema.Saying("A dimension of text lists its values.").At(path + "enum")
	}
	if in.Default != nil {
		if d.fallback, d.hasDflt = d.read(string(*in.Default)); !d.hasDflt {
			return nil, ErrSchema.Saying("The default is not one of the values.").At(path + "default")
		}
	}
	return d, nil
}

func (in *DimensionSchema) bounds(d *dimension, path string) error {
	for name, text := range map[string]money.Number{"minimum": in.Minimum, "maximum": in.Maximum} {
		if text == "" {
			continue
		}
		v, ok := rational(string(text))
		if !ok || (d.kind != kindInteger && d.kind != kindNumber) {
			return ErrSchema.Saying("Bounds are plain numbers, and belong to numbers.").At(path + name)
		}
		if name == "minimum" {
			d.low = v
		} else {
			d.high = v
		}
	}
	if d.low.Cmp(d.high) > 0 {
		return ErrSchema.Saying("The minimum is greater than the maximum.").At(path + "minimum")
	}
	return nil
}

// names are sorted.
func (s schema) names() []string { return slices.Sorted(maps.Keys(s)) }

// value is what a call has in a dimension, in the one spelling of that value. Code: price_dimension.
func (s schema) value(name string, of Dimensions) (string, error) {
	d := s[name]
	text, given := of[name]
	if !given && d.hasDflt {
		return d.fallback, nil
	}
	if value, ok := d.read(text); given && ok {
		return value, nil
	}
	return "", errDimension(name, text)
}

func errDimension(name, value string) *fault.Error {
	if len(value) > maxValueText {
		value = value[:maxValueText]
	}
	return ErrDimension.At(name).With("dimension", name).With("value", strings.ToValidUTF8(value, ""))
}

// read checks a value and returns its one spelling.
func (d *dimension) read(text string) (string, bool) {
	value, ok := d.canonical(text)
	if !ok || (len(d.enum) > 0 && !slices.Contains(d.enum, value)) {
		return "", false
	}
	return value, true
}

func (d *dimension) canonical(text string) (string, bool) {
	switch d.kind {
	case kindString:
		return text, isValue(text)
	case kindBoolean:
		return text, text == "true" || text == "false"
	default:
		v, ok := rational(text)
		if !ok || v.Cmp(d.low) < 0 || v.Cmp(d.high) > 0 || (d.kind == kindInteger && !v.IsInt()) {
			return "", false
		}
		return decimalText(v), true
	}
}

// number is a checked value as a number; true is 1.
func (d *dimension) number(text string) *big.Rat {
	if d.kind == kindBoolean {
		if text == "true" {
			return big.NewRat(1, 1)
		}
		return new(big.Rat)
	}
	v, _ := rational(text)
	return v
}

// rational reads a plain decimal that is not negative, of at most 9 places: what parameters of calls are.
func rational(text string) (*big.Rat, bool) {
	v, err := money.Parse(text, money.USD)
	if err != nil || v < 0 || strings.ContainsAny(text, "eE") {
		return nil, false
	}
	return big.NewRat(int64(v), 1e9), true
}

func decimalText(v *big.Rat) string {
	scaled := new(big.Int).Quo(new(big.Int).Mul(v.Num(), big.NewInt(1e9)), v.Denom())
	return money.Amount(scaled.Int64()).Text(money.USD)
}

// isValue reports whether text can be a value: short, and without the signs that join values.
func isValue(text string) bool {
	return text != "" && len(text) <= maxValueText && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`,="\`, r)
	})
}

func isWord(text string) bool {
	return text != "" && len(text) <= maxValueText && !strings.ContainsFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
}
