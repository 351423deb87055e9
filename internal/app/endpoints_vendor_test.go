package app

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	"github.com/gantry-ai/gantry/internal/testkit/fakerank"
)

// offer connects an upstream with models of some types, which have prices in USD.
func (h *house) offer(provider, url, key string, models ...map[string]any) {
	h.t.Helper()
	var p struct {
		ID string `json:"id"`
	}
	h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
		"provider": provider, "name": provider, "platformKey": provider + "-test", "baseUrl": url, "credentials": map[string]any{"apiKey": key},
	}, &p, 201)
	for _, m := range models {
		m["enabled"] = true
		h.call("POST", "/api/admin/platforms/"+p.ID+"/models", h.admin, m, nil, 201)
	}
}

func priced(alias, kind string, prices ...string) map[string]any {
	var list []any
	for _, r := range prices {
		f := strings.Fields(r)
		list = append(list, map[string]any{"resourceType": f[0], "unit": f[2], "basePrice": jsonNumber(f[1])})
	}
	return map[string]any{
		"modelAlias": alias, "providerModelName": alias, "modelType": []string{kind},
		"billingConfig": map[string]any{"currency": "USD", "rules": list},
	}
}

type jsonNumber string

// MarshalJSON writes the number as it is.
func (n jsonNumber) MarshalJSON() ([]byte, error) { return []byte(n), nil }

// TestUpstreamsOfRankings goes through each adapter, and looks at the bill.
func TestUpstreamsOfRankings(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		ada := h.invite("ada", "10")
		for _, u := range []struct {
			provider, path, rank, embed string
			fake                        *fakerank.Server
			price, billed, embedded     string
		}{
			{"cohere", "", "rerank-v3.5", "embed-v4.0", fakerank.NewCohere(), "search 0.002 request", "search 2 0.004", "text_input 0.000006 0.000006"},
			{"jina", "/v1", "jina-reranker-v3", "jina-embeddings-v3", fakerank.NewJina(), "text_input 1 1m_tokens", "text_input 0.000707 0.000707", "text_input 0.000006 0.000006"},
			{"voyage", "/v1", "rerank-2.5", "voyage-3.5", fakerank.NewVoyage(), "text_input 1 1m_tokens", "text_input 0.000505 0.000505", "text_input 0.000006 0.000006"},
		} {
			server := httptest.NewServer(u.fake)
			t.Cleanup(server.Close)
			h.offer(u.provider, server.URL+u.path, fakerank.Key, priced(u.rank, "rerank", u.price), priced(u.embed, "embedding", "text_input 1 1m_tokens"),
				priced(u.rank+"--401", "rerank", u.price))
			documents := make([]string, 101)
			for i := range documents {
				documents[i] = strings.Repeat("x", i)
			}
			var ranked struct {
				Results []struct{ Index int }
			}
			ask := map[string]any{"model": u.rank, "query": "q", "documents": documents, "top_n": 3}
			h.call("POST", "/v1/rerank", ada.key, ask, &ranked, 200)
			if len(ranked.Results) != 3 || ranked.Results[0].Index != 100 {
				t.Errorf("%s: %+v", u.provider, ranked)
			}
			if lines, currency := h.bills(ada.key); strings.Join(lines, ";") != u.billed || currency != "USD" {
				t.Errorf("%s: billed %v in %s", u.provider, lines, currency)
			}
			h.call("POST", "/v1/embeddings", ada.key, map[string]any{"model": u.embed, "input": []string{"abc", "def"}}, nil, 200)
			if lines, _ := h.bills(ada.key); strings.Join(lines, ";") != u.embedded {
				t.Errorf("%s: vectors billed %v", u.provider, lines)
			}
			ask["model"] = u.rank + "--401"
			if resp, text := h.send("POST", "/v1/rerank", ada.key, ask); resp.StatusCode != http.StatusBadGateway || strings.Contains(string(text), fakerank.Key) {
				t.Errorf("%s: the account's trouble is the caller's: %d %s", u.provider, resp.StatusCode, text)
			}
		}
	})
}

// TestTheOfficialClientUsesTheRest: the vendor's own client talks to Gantry, which talks to the vendor's fake.
func TestTheOfficialClientUsesTheRest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.invite("ada", "10")
	server := httptest.NewServer(fakeopenai.New(fakeopenai.Options{}))
	t.Cleanup(server.Close)
	h.offer("openai", server.URL+"/v1", fakeopenai.DefaultKey,
		priced(fakeopenai.CompletionModel, "chat", "text_input 1 1m_tokens", "text_output 2 1m_tokens"),
		priced(fakeopenai.SpeechModel, "tts", "text_input 1 1m_tokens", "audio_output 12 1m_tokens"),
		priced(fakeopenai.WhisperModel, "stt", "audio_second 0.006 minute"),
		priced(fakeopenai.TranscriptModel, "stt", "text_input 2.5 1m_tokens", "audio_input 6 1m_tokens", "text_output 10 1m_tokens"),
		priced(fakeopenai.ModerationModel, "moderation", "request 0 request"),
		priced(fakeopenai.LegacyModel, "image_edit", "image 0.02 image"))
	c := openai.NewClient(option.WithBaseURL(h.url+"/v1"), option.WithAPIKey(ada.key), option.WithMaxRetries(0))
	bill := func(want string) {
		t.Helper()
		if lines, _ := h.bills(ada.key); strings.Join(lines, ";") != want {
			t.Errorf("billed %v, want %s", lines, want)
		}
	}
	stream := c.Completions.NewStreaming(t.Context(), openai.CompletionNewParams{
		Model: fakeopenai.CompletionModel, Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("a b")},
	})
	said := ""
	for stream.Next() {
		said += stream.Current().Choices[0].Text
	}
	if said != " a b and so on" || stream.Err() != nil {
		t.Errorf("%q, %v", said, stream.Err())
	}
	bill("text_input 0.000002 0.000002;text_output 0.000005 0.00001")
	spoken, err := c.Audio.Speech.New(t.Context(), openai.AudioSpeechNewParams{
		Model: fakeopenai.SpeechModel, Input: "hi there", Voice: openai.AudioSpeechNewParamsVoiceUnion{OfString: openai.String("alloy")},
	})
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(spoken.Body)
	_ = spoken.Body.Close()
	if err != nil || !bytes.Equal(file, fakeopenai.Sound) {
		t.Errorf("%d bytes, %v", len(file), err)
	}
	bill("text_input 0.000002 0.000002;audio_output 0.00002 0.00024")
	for model, want := range map[string]string{
		fakeopenai.WhisperModel: "audio_second 1 0.0001", fakeopenai.TranscriptModel: "text_input 0.000004 0.00001;text_output 0.000005 0.00005;audio_input 0.00001 0.00006",
	} {
		written, err := c.Audio.Transcriptions.New(t.Context(), openai.AudioTranscriptionNewParams{
			Model: model, File: openai.File(bytes.NewReader(file), "talk.wav", "audio/wav"),
		})
		if err != nil || written.Text != fakeopenai.Transcript {
			t.Errorf("%+v, %v", written, err)
		}
		bill(want)
		events := c.Audio.Transcriptions.NewStreaming(t.Context(), openai.AudioTranscriptionNewParams{
			Model: model, File: openai.File(bytes.NewReader(file), "talk.wav", "audio/wav"),
		})
		last := ""
		for events.Next() {
			last = events.Current().Text
		}
		if last != fakeopenai.Transcript || events.Err() != nil {
			t.Errorf("%s streamed %q, %v", model, last, events.Err())
		}
		bill(want)
	}
	judged, err := c.Moderations.New(t.Context(), openai.ModerationNewParams{Input: openai.ModerationNewParamsInputUnion{OfString: openai.String("hi")}})
	if err != nil || len(judged.Results) != 1 {
		t.Errorf("%+v, %v", judged, err)
	}
	bill("request 1 0")
	varied, err := c.Images.NewVariation( //nolint:staticcheck // the vendor's client will go, the operation is here
		t.Context(), openai.ImageNewVariationParams{
			Model: fakeopenai.LegacyModel, Image: openai.File(bytes.NewReader(fakeopenai.Pixel), "a.png", "image/png"), N: openai.Int(2),
			ResponseFormat: openai.ImageNewVariationParamsResponseFormatB64JSON,
		})
	if err != nil || len(varied.Data) != 2 {
		t.Errorf("%+v, %v", varied, err)
	}
	bill("image 2 0.04")
	_, err = c.Audio.Speech.New(t.Context(), openai.AudioSpeechNewParams{Model: fakeopenai.SpeechModel + "--429", Input: "hi"})
	var refused *openai.Error
	if !errors.As(err, &refused) || refused.StatusCode != http.StatusNotFound || refused.Code != "model_not_found" {
		t.Errorf("a model that is not there: %v", err)
	}
}
