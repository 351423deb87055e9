package probe

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

// notForChat are parts of names of models that answer no chat.
var notForChat = []string{
	"embed", "bge-", "rerank", "moderation", "whisper", "transcribe", "tts", "audio", "realtime", "image", "dall-e", "video",
	"sora", "davinci", "babbage", "search",
}

// pick is the first model that looks as if it could be called, of those listed, else of those suggested.
func (r *run) pick() string {
	for _, names := range [][]string{r.models, r.about.Models} {
		for _, name := range names {
			if !isOther(name) {
				return name
			}
		}
	}
	for _, names := range [][]string{r.models, r.about.Models} {
		if len(names) > 0 {
			return names[0]
		}
	}
	return ""
}

func isOther(model string) bool {
	model = strings.ToLower(model)
	for _, part := range notForChat {
		if strings.Contains(model, part) {
			return true
		}
	}
	return false
}

func shapeOf(up provider.Upstream) provider.Shape {
	if s, ok := up.(provider.Shaper); ok {
		return s.Shape()
	}
	return provider.Shape{}
}

const prompt = "Reply with OK."

type object = map[string]any

// conversations are the operations by which a model can be tried out.
var conversations = []inference.Kind{inference.Chat, inference.Messages, inference.GenerateContent}

// smallest is a call that costs next to nothing: a conversation of one token, or where there is none, or the model's name says
// otherwise, an embedding or a ranking of a few words.
func smallest(dialects map[inference.Kind]inference.Dialect, model string, shape provider.Shape) (*provider.Call, bool) {
	kind := smallestKind(dialects, strings.ToLower(model))
	var body object
	switch {
	case kind == "":
	case kind == inference.Rerank:
		body = object{"model": model, "query": prompt, "documents": []string{prompt}}
	case kind == inference.Embeddings:
		body = smallestEmbedding(dialects[kind], model)
	default:
		body = smallestChat(dialects[kind], model, shape)
	}
	if body == nil {
		return nil, false
	}
	text, err := json.Marshal(body)
	return &provider.Call{
		Kind: kind, Model: model, Body: text, ContentType: "application/json", RequestID: "probe", Attempt: 1,
	}, err == nil
}

// smallestKind is the operation to try a model out with; empty: there is none.
func smallestKind(dialects map[inference.Kind]inference.Dialect, model string) inference.Kind {
	has := func(k inference.Kind) bool { return dialects[k] != "" }
	switch at := slices.IndexFunc(conversations, has); {
	case has(inference.Rerank) && strings.Contains(model, "rerank"):
		return inference.Rerank
	case has(inference.Embeddings) && (at < 0 || strings.Contains(model, "embed")):
		return inference.Embeddings
	case at >= 0:
		return conversations[at]
	case has(inference.Rerank):
		return inference.Rerank
	}
	return ""
}

func smallestEmbedding(dialect inference.Dialect, model string) object {
	if dialect == inference.Gemini {
		return object{"content": object{"parts": []object{{"text": prompt}}}}
	}
	return object{"model": model, "input": prompt}
}

func smallestChat(dialect inference.Dialect, model string, shape provider.Shape) object {
	messages := []object{{"role": "user", "content": prompt}}
	switch dialect {
	case inference.OpenAI:
		limit := shape.MaxOutputParam
		if limit == "" {
			limit = "max_tokens"
		}
		return object{"model": model, "messages": messages, limit: 1}
	case inference.Anthropic:
		return object{"model": model, "messages": messages, "max_tokens": 1}
	case inference.Gemini:
		return object{
			"contents":         []object{{"role": "user", "parts": []object{{"text": prompt}}}},
			"generationConfig": object{"maxOutputTokens": 1},
		}
	case inference.Bedrock:
		return object{
			"messages":        []object{{"role": "user", "content": []object{{"text": prompt}}}},
			"inferenceConfig": object{"maxTokens": 1},
		}
	case inference.Ollama:
		return object{"model": model, "messages": messages, "stream": false, "options": object{"num_predict": 1}}
	}
	return nil
}
