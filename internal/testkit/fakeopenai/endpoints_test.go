package fakeopenai_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
)

// The vendor's own client judges the shapes of what is no chat.
func TestTheOfficialClientIsContentWithTheRest(t *testing.T) {
	t.Parallel()
	_, url := start(t)
	c := client(url)
	completion, err := c.Completions.New(t.Context(), openai.CompletionNewParams{
		Model: fakeopenai.CompletionModel, Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String("a b")},
	})
	if err != nil || completion.Choices[0].Text != " a b and so on" || completion.Usage.TotalTokens != 7 {
		t.Errorf("%+v, %v", completion, err)
	}
	spoken, err := c.Audio.Speech.New(t.Context(), openai.AudioSpeechNewParams{
		Model: fakeopenai.SpeechModel, Input: "hi", Voice: openai.AudioSpeechNewParamsVoiceUnion{OfString: openai.String("alloy")},
	})
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(spoken.Body)
	_ = spoken.Body.Close()
	if err != nil || !bytes.Equal(file, fakeopenai.Sound) || spoken.Header.Get("Content-Type") != "audio/mpeg" {
		t.Errorf("%d bytes, %v, %v", len(file), spoken.Header, err)
	}
	written, err := c.Audio.Transcriptions.New(t.Context(), openai.AudioTranscriptionNewParams{
		Model: fakeopenai.TranscriptModel, File: openai.File(bytes.NewReader(fakeopenai.Sound), "audio.wav", "audio/wav"),
	})
	if err != nil || written.Text != fakeopenai.Transcript {
		t.Errorf("%+v, %v", written, err)
	}
	judged, err := c.Moderations.New(t.Context(), openai.ModerationNewParams{
		Model: fakeopenai.ModerationModel, Input: openai.ModerationNewParamsInputUnion{OfStringArray: []string{"a", "b"}},
	})
	if err != nil || len(judged.Results) != 2 {
		t.Errorf("%+v, %v", judged, err)
	}
	varied, err := c.Images.NewVariation( //nolint:staticcheck // the vendor's client will go, the operation is here
		t.Context(), openai.ImageNewVariationParams{
			Model: fakeopenai.LegacyModel, Image: openai.File(bytes.NewReader(fakeopenai.Pixel), "a.png", "image/png"), N: openai.Int(2),
		})
	if err != nil || len(varied.Data) != 2 {
		t.Errorf("%+v, %v", varied, err)
	}
}

func TestRefusalsOfTheRest(t *testing.T) {
	t.Parallel()
	_, url := start(t)
	for _, c := range []struct{ path, body, want string }{
		{"completions", `{"model":"gpt-4o-mini","prompt":"x"}`, "model_not_found"},
		{"completions", `{"model":"gpt-3.5-turbo-instruct","prompt":"x","max_completion_tokens":5}`, "unknown_parameter"},
		{"audio/speech", `{"model":"tts-1","input":"x","voice":"alloy","stream_format":"sse"}`, "unsupported_parameter"},
		{"audio/transcriptions", `{"model":"whisper-1"}`, "unsupported_content_type"},
		{"moderations", `{"input":"x"}`, "model_not_found"},
		{"rerank", `{"model":"bge-reranker-v2-m3","query":"x","documents":["a"],"top_n":2}`, "invalid_value"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+fakeopenai.DefaultKey)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode < 400 || !strings.Contains(string(text), c.want) {
			t.Errorf("%s %s: %d %s", c.path, c.body, resp.StatusCode, text)
		}
	}
}
