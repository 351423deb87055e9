package gateway

import (
	"encoding/json"
	"net/http"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/gateway/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/anthropic"
	"github.com/gantry-ai/gantry/internal/wire/gemini"
	"github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/units"
)

// estimated are the kinds of requests whose cost can be told before, with the format that reads them where one does. A message
// needs no output limit to be estimated, as it needs none to be counted.
var estimated = map[inference.Kind]wire.Format{
	inference.Chat: openai.Chat, inference.Messages: anthropic.CountTokens, inference.GenerateContent: gemini.Generate{}, inference.Embeddings: openai.Embeddings, inference.Responses: openai.Responses,
	inference.ImageGenerations: openai.ImageGenerations, inference.ImageEdits: openai.ImageEdits,
	inference.VideoGenerations: openai.VideoGenerations, inference.Completions: openai.Completions, inference.ImageVariations: nil,
	inference.Speech: nil, inference.Transcriptions: nil, inference.Translations: nil, inference.Rerank: nil, inference.Moderations: nil,
}

// resolver names the way in which the effective price is found.
const resolver = "effective-pricing-v1"

// estimatePricing tells what a request would cost. The body is the request itself, with its kind beside it.
func (s *Surface) estimatePricing(w http.ResponseWriter, call *httpx.Call) error {
	body, err := httpx.ReadJSON(call.Request)
	if err != nil {
		return err
	}
	quote, err := s.quote(s.asker(call), body)
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
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, out)
}

func (s *Surface) quote(who *relay.Asker, body []byte) (relay.Quote, error) {
	var in struct {
		Kind     inference.Kind  `json:"kind"`
		Prompt   json.RawMessage `json:"prompt"`
		Messages json.RawMessage `json:"messages"`
		Input    json.RawMessage `json:"input"`
		Contents json.RawMessage `json:"contents"`
		Model    json.RawMessage `json:"model"`
	}
	if err := httpx.Unmarshal(body, &in); err != nil {
		return relay.Quote{}, err
	}
	if in.Kind == "" {
		in.Kind = inference.Chat
	}
	format, known := estimated[in.Kind]
	switch {
	case !known:
		return relay.Quote{}, fault.ErrInvalid.Saying("There is no estimate for this kind of request.").At("kind")
	case format == nil:
		asked, err := units.Read(in.Kind, body)
		if err != nil {
			return relay.Quote{}, err
		}
		return s.Snapshot().QuoteUnits(*who, &asked)
	}
	if in.Kind == inference.GenerateContent { // whose model is in the address where it is called
		var model string
		if json.Unmarshal(in.Model, &model) != nil || model == "" {
			return relay.Quote{}, fault.ErrInvalid.Saying("A model is required.").At("model")
		}
		format = gemini.Generate{Model: model}
	}
	var prompt string // anything else is the format's own
	if json.Unmarshal(in.Prompt, &prompt) == nil && prompt != "" && in.Messages == nil && in.Input == nil && in.Contents == nil {
		var err error
		if body, err = withPrompt(body, format.Kind(), prompt); err != nil {
			return relay.Quote{}, err
		}
	}
	return s.Snapshot().Quote(*who, format, body)
}

// withPrompt makes a plain prompt what the format expects.
func withPrompt(body []byte, kind inference.Kind, prompt string) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := httpx.Unmarshal(body, &members); err != nil {
		return nil, err
	}
	switch kind {
	case inference.ImageGenerations, inference.ImageEdits, inference.VideoGenerations, inference.Completions:
		return body, nil
	case inference.Embeddings, inference.Responses:
		members["input"] = marshal(prompt)
	case inference.GenerateContent:
		members["contents"] = marshal([]map[string]any{{"role": "user", "parts": []map[string]string{{"text": prompt}}}})
	default:
		members["messages"] = marshal([]map[string]string{{"role": "user", "content": prompt}})
	}
	delete(members, "prompt")
	return json.Marshal(members)
}
