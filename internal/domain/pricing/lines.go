package pricing

import (
	"encoding/json"
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// lineJSON is how a line is stored: exact decimals as text, the price for its unit.
type lineJSON struct {
	Resource  string         `json:"resource"`
	Quantity  int64          `json:"quantity"`
	Units     string         `json:"units,omitempty"`
	Unit      Unit           `json:"unit"`
	UnitPrice string         `json:"unitPrice"`
	Basis     string         `json:"basis,omitempty"`
	Factors   []factorJSON   `json:"factors,omitempty"`
	Currency  money.Currency `json:"currency"`
	Amount    string         `json:"amount"`
	RuleID    id.ID          `json:"ruleId"`
	SetID     id.ID          `json:"ruleSetId"`
	Version   int64          `json:"version"`
	Estimated bool           `json:"estimated,omitempty"`
}

type factorJSON struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// UnitPrice is the price for one Unit as an exact decimal.
func (l *Line) UnitPrice() string {
	text, _ := l.Price.Text(max(1, l.Unit.Size()))
	return text
}

// AppendLines appends lines as a JSON array, in the form that UnmarshalJSON reads. It is written by hand because every
// relayed call passes here.
func AppendLines(b []byte, lines []Line) []byte {
	if b == nil {
		b = make([]byte, 0, 2+256*len(lines))
	}
	b = append(b, '[')
	for i := range lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = lines[i].append(b)
	}
	return append(b, ']')
}

func (l *Line) append(b []byte) []byte {
	b = append(b, `{"resource":"`...)
	b = append(b, l.Resource.String()...)
	b = append(b, `","quantity":`...)
	b = strconv.AppendInt(b, l.Quantity, 10)
	if l.written != nil {
		b = append(b, l.written.price...)
		b = l.Amount.AppendText(b, l.Currency)
		b = append(b, l.written.rule...)
	} else {
		b = l.appendPrice(b)
		b = l.Amount.AppendText(b, l.Currency)
		b = l.appendRule(b)
	}
	b = l.appendRest(b)
	return append(b, '}')
}

// written is the text of a line on both sides of its amount, which is the same in every line that a plain price makes.
type written struct{ price, rule string }

func write(l *Line) written { return written{string(l.appendPrice(nil)), string(l.appendRule(nil))} }

// appendPrice appends what stands between a line's quantity and its amount.
func (l *Line) appendPrice(b []byte) []byte {
	b = append(b, `,"unit":"`...)
	b = append(b, l.Unit...)
	b = append(b, `","unitPrice":"`...)
	b, _ = l.Price.AppendText(b, max(1, l.Unit.Size()))
	b = append(b, `","currency":"`...)
	b = append(b, l.Currency...)
	return append(b, `","amount":"`...)
}

// appendRule appends what stands behind the amount.
func (l *Line) appendRule(b []byte) []byte {
	b = append(b, `","ruleId":"`...)
	b = appendID(b, l.RuleID)
	return append(b, '"')
}

// appendID appends an identifier, nothing for the zero one.
func appendID(b []byte, v id.ID) []byte {
	if !v.IsZero() {
		b, _ = v.AppendText(b)
	}
	return b
}

// appendRest appends what few lines have.
func (l *Line) appendRest(b []byte) []byte {
	if l.Units != "" {
		b = append(b, `,"units":"`...)
		b = append(b, l.Units...)
		b = append(b, '"')
	}
	if l.Basis != "" {
		b = append(b, `,"basis":`...)
		b = strconv.AppendQuoteToASCII(b, l.Basis)
	}
	if !l.SetID.IsZero() {
		b = append(b, `,"ruleSetId":"`...)
		b = appendID(b, l.SetID)
		b = append(b, `","version":`...)
		b = strconv.AppendInt(b, l.Version, 10)
	}
	if len(l.Factors) > 0 {
		b = append(b, `,"factors":`...)
		b = appendFactors(b, l.Factors)
	}
	if l.Estimated {
		b = append(b, `,"estimated":true`...)
	}
	return b
}

func appendFactors(b []byte, factors []NamedFactor) []byte {
	b = append(b, '[')
	for i, f := range factors {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = strconv.AppendQuoteToASCII(b, f.Name)
		b = append(b, `,"value":"`...)
		b = append(b, f.Value.Text()...)
		b = append(b, `"}`...)
	}
	return append(b, ']')
}

// MarshalJSON writes what AppendLines writes of one line.
func (l Line) MarshalJSON() ([]byte, error) { return l.append(nil), nil }

// UnmarshalJSON reads a stored line.
func (l *Line) UnmarshalJSON(b []byte) error {
	var in lineJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	resource, ok := inference.ParseResource(in.Resource)
	if !ok {
		return ErrResource
	}
	price, err := money.ParsePrice(in.UnitPrice, max(1, in.Unit.Size()))
	if err != nil {
		return ErrPrice.Because(err)
	}
	amount, err := money.Parse(in.Amount, in.Currency)
	if err != nil {
		return ErrPrice.Because(err)
	}
	*l = Line{
		Resource: resource, Quantity: in.Quantity, Units: in.Units, Unit: in.Unit, Price: price, Basis: in.Basis,
		Currency: in.Currency, Amount: amount, RuleID: in.RuleID, SetID: in.SetID, Version: in.Version, Estimated: in.Estimated,
	}
	for _, f := range in.Factors {
		value, err := money.ParseFactor(f.Value)
		if err != nil {
			return ErrPrice.Because(err)
		}
		l.Factors = append(l.Factors, NamedFactor{Name: f.Name, Value: value})
	}
	return nil
}
