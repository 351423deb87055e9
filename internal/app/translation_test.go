package app

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	openai "github.com/openai/openai-go/v3"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
)

// TestEmbeddingsCross: OpenAI's own client, which asks for packed vectors, reaches Google's models, and Google's callers reach
// OpenAI's.
func TestEmbeddingsCross(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectGemini(map[string]string{"gemini-embedding-001": "embedding"})
	h.connect(map[string]string{"text-embedding-3-small": "embedding"})
	ann := h.invite("ann", "10")
	client := h.openaiClient(ann.key)
	answer, err := client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: "gemini-embedding-001", Dimensions: openai.Int(4), EncodingFormat: openai.EmbeddingNewParamsEncodingFormatFloat,
		Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"hi", "you"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Data) != 2 || len(answer.Data[1].Embedding) != 4 || answer.Data[1].Index != 1 || answer.Model == "" {
		t.Errorf("%s", answer.RawJSON())
	}
	if last, _ := fake.Last(); last.Action != "batchEmbedContents" || !bytes.Contains(last.Body, []byte(`"outputDimensionality":4`)) {
		t.Errorf("%s %s", last.Action, last.Body)
	}
	resp, raw := h.send("POST", "/v1/embeddings", ann.key, body{"model": "gemini-embedding-001", "input": "hi", "encoding_format": "base64"})
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"embedding":"`) {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
	if task := h.lastTask(ann); task.Kind != inference.Embeddings || task.Status != tasks.Succeeded || task.Usage.InputTokens() == 0 {
		t.Errorf("%+v", task)
	}
	content := body{"parts": []any{body{"text": "hi"}}}
	resp, raw = h.google("POST", "/v1beta/models/text-embedding-3-small:embedContent", ann.key, body{"content": content})
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `{"embedding":{"values":[`) || !strings.Contains(string(raw), `"promptTokenCount"`) {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
	if task := h.lastTask(ann); task.Kind != inference.Embeddings || task.Usage.Estimated {
		t.Errorf("%+v", task)
	}
	resp, raw = h.send("POST", "/v1/embeddings", ann.key, body{"model": "gemini-embedding-001", "input": []int{1, 2}})
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(raw), `"param":"input`) {
		t.Errorf("tokens: %d %s", resp.StatusCode, raw)
	}
	h.clean()
}

// TestForeignSealsAreNotSentOn: a conversation that another provider began goes on at Anthropic's, in Anthropic's own protocol,
// without the proofs that mean nothing there.
func TestForeignSealsAreNotSentOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectAnthropic(nil)
	ada := h.invite("ada", "10")
	resp, raw := h.send("POST", "/v1/messages", ada.key, body{"model": "opus-4-5", "max_tokens": 2000, "messages": []any{
		body{"role": "user", "content": "a"},
		body{"role": "assistant", "content": []any{
			body{"type": "thinking", "thinking": "hm", "signature": "gantry:openai:gAAAAABo"}, body{"type": "text", "text": "b"},
		}},
		body{"role": "user", "content": "c"},
	}})
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"type":"message"`) {
		t.Errorf("%d %s", resp.StatusCode, raw)
	}
	if last, _ := fake.Last(); bytes.Contains(last.Body, []byte("gantry:")) || !bytes.Contains(last.Body, []byte(`"b"`)) {
		t.Errorf("%s", last.Body)
	}
	h.clean()
}

// TestToolsOfAnyNameReachAnthropic: the upstream refuses such names, and the caller never hears of others.
func TestToolsOfAnyNameReachAnthropic(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectAnthropic(nil)
	ada := h.invite("ada", "10")
	for _, stream := range []bool{false, true} {
		resp, raw := h.send("POST", "/v1/chat/completions", ada.key, body{
			"model": "haiku-4-5", "stream": stream, "messages": []any{body{"role": "user", "content": "call any tool"}},
			"tools":       []any{body{"type": "function", "function": body{"name": "weather.get/now", "parameters": body{"type": "object"}}}},
			"tool_choice": body{"type": "function", "function": body{"name": "weather.get/now"}},
		})
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"name":"weather.get/now"`) || strings.Contains(string(raw), "weather_get_now") {
			t.Errorf("%d %s", resp.StatusCode, raw)
		}
		if last, _ := fake.Last(); bytes.Contains(last.Body, []byte("weather.get")) || bytes.Count(last.Body, []byte("weather_get_now_")) != 2 {
			t.Errorf("%s", last.Body)
		}
	}
	h.clean()
}

// TestPackedAnswersAreNotAskedFor: what a caller can unpack is nothing that an upstream is told, whose answer is read here.
func TestPackedAnswersAreNotAskedFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	fake := h.connectAnthropic(nil)
	ada := h.invite("ada", "10")
	for _, stream := range []bool{false, true} {
		resp, raw := h.send("POST", "/v1/chat/completions", ada.key, chat("haiku-4-5", stream), "Accept-Encoding", "br, zstd")
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"content":`) {
			t.Errorf("%d %s", resp.StatusCode, raw)
		}
		if last, _ := fake.Last(); strings.Contains(last.Header.Get("Accept-Encoding"), "br") {
			t.Errorf("%v", last.Header)
		}
	}
}
