package pricing_test

import (
	"errors"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/inference"
)

// TestWorstCaseOfPictures: where pictures have a price and text beside them has none, what is held goes by the pictures.
func TestWorstCaseOfPictures(t *testing.T) {
	t.Parallel()
	s := schedule(t, `{"currency":"USD","rules":[{"resourceType":"image_output","unit":"1m_tokens","basePrice":40},
		{"resourceType":"text_input","unit":"1m_tokens","basePrice":5},{"resourceType":"image_input","unit":"1m_tokens","basePrice":10}]}`)
	in := pricing.Inputs{Split: true}
	in.Usage.Quantities[inference.TextInput], in.Usage.Quantities[inference.ImageOutput] = 1000, 10_000
	if _, err := s.WorstCase(&in); !errors.Is(err, pricing.ErrUnpriced) {
		t.Errorf("text without a price: %v", err)
	}
	in.PricedOnly = true
	held, err := s.WorstCase(&in)
	if err != nil || held < 410_000_000 || held > 410_000_010 { // 1,000 × 10 and 10,000 × 40 by the million
		t.Errorf("held %s, %v", held.Text("USD"), err)
	}
	in.Usage.Quantities = inference.Quantities{inference.TextInput: 10, inference.ImageInput: 990, inference.ImageOutput: 10_000}
	if bill, err := s.Amount(&in); err != nil || bill > held {
		t.Errorf("billed %s of %s, %v", bill.Text("USD"), held.Text("USD"), err)
	}
	none := schedule(t, `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":5}]}`)
	if _, err := none.WorstCase(&in); !errors.Is(err, pricing.ErrUnpriced) {
		t.Errorf("pictures without a price: %v", err)
	}
}
