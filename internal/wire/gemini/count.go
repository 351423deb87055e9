package gemini

import (
	"strconv"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

var countKeys = jsonscan.NewKeys("contents", "generateContentRequest")

// CountTokens counts the input of a request for :countTokens: contents, or a whole request to generate content.
// The error is a *fault.Error.
func CountTokens(body []byte, model string, family tokens.Family) (int64, error) {
	var out [2]jsonscan.Field
	if _, _, err := countKeys.Scan(body, out[:]); err != nil {
		return 0, scanFault(err)
	}
	if whole := out[1]; whole.Found() && !jsonscan.IsNull(body, whole) {
		if out[0].Found() {
			return 0, fault.ErrInvalid.Saying("Give contents or generateContentRequest, not both.").At("contents")
		}
		if !isObject(whole.In(body)) {
			return 0, invalidType("generateContentRequest", "an object")
		}
		body = whole.In(body)
	}
	g := Generate{Model: model}
	a, err := g.Peek(body)
	if err != nil {
		return 0, err
	}
	return g.CountInput(body, &a, family), nil
}

// TokenCount returns the answer of :countTokens.
func TokenCount(n int64) []byte {
	return append(strconv.AppendInt([]byte(`{"totalTokens":`), n, 10), '}')
}
