package pricing

import (
	"math/bits"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

// Inputs are all that a price depends on, beside the schedule. Estimates, holds, settlements, trials and what-ifs are
// the same call with other inputs.
type Inputs struct {
	// Usage counts in natural units. Seconds that are not whole count as begun: 2.1 s of video are 3.
	Usage inference.Usage
	// Dimensions are the call's parameters that prices go by; nil if none are known.
	Dimensions Dimensions
	// At is when the call was accepted: it decides the time of day, for the hold and for the settlement alike.
	At time.Time
	// Discounts are the caller's, in the order of Discounts.Named.
	Discounts []NamedFactor
	// Split, for WorstCase alone, says that the classes of the input and of the output tokens are not known yet: any part
	// of them may turn out to be cached, written to a cache, reasoning, an image, audio.
	Split bool
	// PricedOnly, for WorstCase with Split, says that classes without a price are left out where another class of their family
	// has one, because they will not be billed: pictures have a price, and the text beside them need not.
	PricedOnly bool
}

// substitutes names, for a resource without a price of its own, the resource at whose price it is charged, so that a
// cheaper class of tokens that nobody priced is never free by accident.
var substitutes = map[inference.Resource]inference.Resource{
	inference.TextInputCached:  inference.TextInput,
	inference.TextCacheWrite:   inference.TextInput,
	inference.TextCacheWrite1h: inference.TextCacheWrite,
	inference.ImageInput:       inference.TextInput,
	inference.AudioInput:       inference.TextInput,
	inference.TextReasoning:    inference.TextOutput,
	inference.ImageOutput:      inference.TextOutput,
	inference.AudioOutput:      inference.TextOutput,
}

// family is the class of tokens that r is a special case of: TextInput, TextOutput, or r itself.
func family(r inference.Resource) inference.Resource {
	for parent, ok := substitutes[r]; ok; parent, ok = substitutes[r] {
		r = parent
	}
	return r
}

// isToken reports whether r counts tokens: a price per call covers those.
func isToken(r inference.Resource) bool { return r <= inference.AudioOutput }

// familyTotal adds up the quantities of a family. Code: price_overflow.
func familyTotal(q *inference.Quantities, of inference.Resource) (int64, error) {
	var sum uint64
	for r := range inference.NumResources {
		if families[r] != of {
			continue
		}
		if q[r] < 0 {
			return 0, ErrOverflow.Because(money.ErrNegative)
		}
		var carry uint64
		if sum, carry = bits.Add64(sum, uint64(q[r]), 0); carry != 0 {
			return 0, ErrOverflow
		}
	}
	if sum > maxQuantity/2 { // so that input and output together still fit
		return 0, ErrOverflow
	}
	return int64(sum), nil
}

var families = func() (out [inference.NumResources]inference.Resource) {
	for r := range inference.NumResources {
		out[r] = family(r)
	}
	return out
}()
