package openai

import (
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	relay "github.com/gantry-ai/gantry/internal/wire"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

func calling(kind inference.Kind, model, more string) provider.Call {
	return provider.Call{
		Kind: kind, Model: model, Body: []byte(`{"model":"` + model + `"` + more + `}`), Attempt: 1,
		Stream: strings.Contains(more, `"stream":true`) || strings.Contains(more, `"sse"`),
	}
}

func completion(stream bool) provider.Call {
	if stream {
		return calling(inference.Completions, fakeopenai.CompletionModel, `,"prompt":"a b","stream":true,"stream_options":{"include_usage":true}`)
	}
	return calling(inference.Completions, fakeopenai.CompletionModel, `,"prompt":"a b"`)
}

func speaking(more string) provider.Call {
	return calling(inference.Speech, fakeopenai.SpeechModel, `,"input":"hello there","voice":"alloy"`+more)
}

func listening(kind inference.Kind, model, more string) provider.Call {
	return calling(kind, model, `,"file":"data:audio/wav;base64,`+base64.StdEncoding.EncodeToString(fakeopenai.Sound)+`"`+more)
}

func judging() provider.Call {
	return calling(inference.Moderations, fakeopenai.ModerationModel, `,"input":["a","b"]`)
}

func ranking(more string) provider.Call {
	return calling(inference.Rerank, fakeopenai.RerankModel, `,"query":"a","documents":["b","c"]`+more)
}

func variation(more string) provider.Call {
	return calling(inference.ImageVariations, fakeopenai.LegacyModel, `,"image":"`+pixel+`"`+more)
}

// TestTheRestIsMetered sends calls to the fake and meters what comes back, as the relay does.
func TestTheRestIsMetered(t *testing.T) {
	t.Parallel()
	_, account := fake(t)
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	type q = inference.Quantities
	for name, c := range map[string]struct {
		call   provider.Call
		format relay.Format
		want   q
		kind   string
	}{
		"completion": {completion(false), wire.Completions, q{inference.TextInput: 2, inference.TextOutput: 5}, ""},
		"speech": {
			speaking(`,"response_format":"wav"`), wire.Speech,
			q{inference.Characters: 11, inference.AudioSecond: 1, inference.AudioOutput: 20, inference.TextInput: 3},
			"audio/wav",
		},
		"transcript by tokens": {
			listening(inference.Transcriptions, fakeopenai.TranscriptModel, ""), wire.Transcriptions,
			q{inference.TextInput: 4, inference.AudioInput: 10, inference.TextOutput: 5, inference.AudioSecond: 1},
			"application/json",
		},
		"transcript by seconds": {
			listening(inference.Transcriptions, fakeopenai.WhisperModel, `,"response_format":"verbose_json"`), wire.Transcriptions,
			q{inference.AudioInput: 10, inference.TextOutput: 5, inference.AudioSecond: 1},
			"application/json",
		},
		"captions": {
			listening(inference.Translations, fakeopenai.WhisperModel, `,"response_format":"srt"`), wire.Translations,
			q{inference.AudioInput: 10, inference.TextOutput: 5, inference.AudioSecond: 1},
			"text/plain; charset=utf-8",
		},
		"moderation": {judging(), wire.Moderations, q{inference.TextInput: 3}, "application/json"},
		"ranking":    {ranking(""), wire.Rerank, q{inference.Search: 1, inference.TextInput: 20}, "application/json"},
	} {
		resp, err := u.Send(t.Context(), &c.call)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		ask, err := c.format.Peek(c.call.Body)
		if err != nil {
			t.Fatal(err)
		}
		m, ok := c.format.Answer(body)
		if a, depends := c.format.(relay.Answerer); depends {
			m, ok = a.AnswerTo(&ask, body)
			if kind := a.ContentType(&ask, resp.Header.Get("Content-Type")); kind != c.kind {
				t.Errorf("%s is %s", name, kind)
			}
		}
		if resp.StatusCode != http.StatusOK || !ok || !m.Known || m.Usage.Quantities != c.want {
			t.Errorf("%s: %d %+v, %v: %.200s", name, resp.StatusCode, m, ok, body)
		}
	}
}

// TestRecordingsGoOutAsForms looks at what the upstream gets.
func TestRecordingsGoOutAsForms(t *testing.T) {
	t.Parallel()
	c := listening(inference.Transcriptions, "m", `,"temperature":0.20,"timestamp_granularities":["word","segment"],"prompt":"say \"hi\"","chunking_strategy":{"type":"server_vad"},"language":null`)
	kind, body := sent(t, &c)
	_, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatal(err)
	}
	form, err := multipart.NewReader(strings.NewReader(body), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"model": "m", "temperature": "0.20", "prompt": `say "hi"`, "chunking_strategy": `{"type":"server_vad"}`, "timestamp_granularities[]": "word,segment",
	} {
		if got := strings.Join(form.Value[name], ","); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if f := form.File["file"]; len(form.Value) != 5 || len(f) != 1 || f[0].Filename != "audio.wav" || f[0].Size != int64(len(fakeopenai.Sound)) {
		t.Errorf("%+v", form)
	}
}

// TestAModelThatPaysNoHeedToStreams: whisper-1 answers whole, and callers get events all the same.
func TestAModelThatPaysNoHeedToStreams(t *testing.T) {
	t.Parallel()
	_, account := fake(t)
	u, err := Adapter{}.Open(account)
	if err != nil {
		t.Fatal(err)
	}
	for model, events := range map[string]int{fakeopenai.WhisperModel: 2, fakeopenai.TranscriptModel: 3} {
		c := listening(inference.Transcriptions, model, `,"stream":true`)
		resp, err := u.Send(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") || strings.Count(string(body), "event: ") != events ||
			!strings.Contains(string(body), `"text":"`+fakeopenai.Transcript+`"`) || !strings.Contains(string(body), `"usage":{`) {
			t.Errorf("%s: %s %s", model, kind, body)
		}
	}
	c := listening(inference.Transcriptions, "whisper-9", `,"stream":true`)
	resp, err := u.Send(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if o := u.Classify(resp, body); o.Category != inference.NotFound {
		t.Errorf("an error is %+v", o)
	}
}
