package gateway

import (
	"encoding/json"
	"net/http"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// estimated are the kinds of requests whose cost can be told before.
var estimated = map[string]wire.Format{
	"": openai.Chat, string(inference.Chat): openai.Chat, string(inference.Responses): openai.Responses,
	string(inference.Embeddings): openai.Embeddings, string(inference.ImageGenerations): openai.ImageGenerations,
	string(inference.ImageEdits): openai.ImageEdits, string(inference.VideoGenerations): openai.VideoGenerations,
}

// resolver names the way in which the effective price is found.
const resolver = "effective-pricing-v1"

// estimatePricing tells what a request would cost. The body is the request itself, with its kind beside it.
func (s *Surface) estimatePricing(w http.ResponseWriter, call *httpx.Call) error {
	body, err := httpx.ReadJSON(call.Request)
	if err != nil {
		return err
	}
	var in struct {
		Kind     string          `json:"kind"`
		Prompt   string          `json:"prompt"`
		Messages json.RawMessage `json:"messages"`
		Input    json.RawMessage `json:"input"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return fault.ErrInvalid.Because(err)
	}
	format, ok := estimated[in.Kind]
	if !ok {
		return fault.ErrInvalid.Saying("There is no estimate for this kind of request.").At("kind")
	}
	if in.Prompt != "" && in.Messages == nil && in.Input == nil {
		if body, err = withPrompt(body, format.Kind(), in.Prompt); err != nil {
			return err
		}
	}
	quote, err := s.Snapshot().Quote(*s.asker(call), format, body)
	if err != nil {
		return err
	}
	out := api.HttpapiPricingEstimateResponse{
		Items: []api.GantryBillingLine{}, Resolver: resolver, AmountText: quote.Amount.Text(quote.Currency),
		Currency: string(quote.Currency),
	}
	for i := range quote.Lines {
		out.Items = append(out.Items, showLine(&quote.Lines[i]))
	}
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// withPrompt makes a plain prompt what the format expects.
func withPrompt(body []byte, kind inference.Kind, prompt string) ([]byte, error) {
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fault.ErrInvalid.Because(err)
	}
	switch kind {
	case inference.ImageGenerations, inference.ImageEdits, inference.VideoGenerations:
		return body, nil
	case inference.Embeddings, inference.Responses:
		members["input"] = prompt
	default:
		members["messages"] = []map[string]string{{"role": "user", "content": prompt}}
	}
	delete(members, "prompt")
	return json.Marshal(members)
}
