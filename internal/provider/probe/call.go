package probe

import (
	"encoding/json"
	"slices"
	"strconv"
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

// smallest is a call that costs one token: a conversation, or an embedding where the name says so or there is no other.
func smallest(dialects map[inference.Kind]inference.Dialect, model string, shape provider.Shape) (*provider.Call, bool) {
	kind, body := inference.Embeddings, object(nil)
	dialect, embeds := dialects[inference.Embeddings]
	switch at := slices.IndexFunc(conversations, func(k inference.Kind) bool { return dialects[k] != "" }); {
	case embeds && strings.Contains(strings.ToLower(model), "embed"):
		body = smallestEmbedding(dialect, model)
	case at >= 0:
		kind = conversations[at]
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

// saw says what came back: the status and what the upstream said of it, where that is safe to show.
func saw(e *provider.Error) string {
	text := "The upstream did not answer."
	switch {
	case e.Status != 0:
		text = "The upstream answered with status " + strconv.Itoa(e.Status) + "."
	case e.Category == inference.Timeout:
		text = "The upstream did not answer in time."
	}
	if e.Message != "" && e.Status != 0 {
		text += " It said: " + e.Message
	}
	return text
}

var advices = map[inference.Category]string{
	inference.Authentication: "Wrong key, or a key of another region. Copy it again from the provider's console.",
	inference.Permission:     "The key is known but may not do this. Check its permissions and the project it belongs to.",
	inference.NotFound:       "The model or path does not exist there. Check the model's name and the path of the base URL.",
	inference.RateLimited:    "The account's rate limit is reached. Try again in a minute.",
	inference.QuotaExhausted: "The account has no credit left. Top it up at the provider.",
	inference.Timeout:        "Check the base URL and the network, then try again.",
	inference.Connect:        "Check the base URL, firewalls, and whether a proxy is needed.",
	inference.Overloaded:     "The provider is overloaded. Try again later.",
	inference.ServerError:    "The provider has a problem of its own. Try again later.",
	inference.Protocol:       "The answer is not of this provider's kind. Check the path of the base URL, often /v1.",
	inference.InvalidRequest: "The provider did not accept the smallest request. Try another model.",
	inference.Canceled:       "The test was stopped.",
}

func advice(c inference.Category) string {
	if text, ok := advices[c]; ok {
		return text
	}
	return "See what the provider says of this."
}
