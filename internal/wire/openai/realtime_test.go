package openai_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

func TestSessionsAreReadInBothForms(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"present": `{"type":"realtime","model":"voice","max_output_tokens":100,"output_modalities":["audio"],"instructions":"Be \"kind\".",
			"tools":[{"type":"function"}],"audio":{"input":{"format":{"type":"audio/pcmu"},"transcription":{"model":"w"},"turn_detection":null},
			"output":{"format":{"type":"audio/pcm","rate":24000},"voice":"marin"}},"future":[1]}`,
		"beta": `{"type":"realtime","model":"voice","max_response_output_tokens":100,"modalities":["text","audio"],"instructions":"Be \"kind\".",
			"tools":[{"type":"function"}],"input_audio_format":"g711_alaw","output_audio_format":"pcm16","input_audio_transcription":{"model":"w"}}`,
	} {
		s, err := openai.PeekRealtimeSession([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s.Type != "realtime" || s.Model != "voice" || s.Output != (openai.RealtimeLimit{Said: true, Tokens: 100}) || s.Modalities != openai.WithAudio ||
			s.HeardRate != openai.G711Rate || s.SpokenRate != openai.PCMRate || !s.Writes || s.Mute || s.WritesBy != "w" {
			t.Errorf("%s: %+v", name, s)
		}
		if !s.HasInstructions || !s.HasTools || s.Instructions.TextBytes != int64(len(`"Be \"kind\"."`)) || s.Tools.Text == 0 {
			t.Errorf("%s: %+v", name, s)
		}
		var got, want map[string]any
		if err := json.Unmarshal(s.Rename([]byte(text), "up", `stt"1`), &got); err != nil {
			t.Fatal(err)
		}
		_ = json.Unmarshal([]byte(text), &want)
		want["model"] = "up"
		if beta, ok := want["input_audio_transcription"].(map[string]any); ok {
			beta["model"] = `stt"1`
		} else {
			want["audio"].(map[string]any)["input"].(map[string]any)["transcription"].(map[string]any)["model"] = `stt"1` //nolint:forcetypeassert // see above
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: renamed to %v", name, got)
		}
	}
	s, err := openai.PeekRealtimeSession([]byte(`{"audio":{"input":{"transcription":null}},"max_output_tokens":"inf","output_modalities":["text"]}`))
	if err != nil || s.Writes || !s.Mute || !s.Output.Said || s.Output.Tokens != 0 || s.Modalities != openai.TextOnly {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestEventsThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]string{
		`hello`:                     "invalid_json",
		`[]`:                        "invalid_json",
		`{"type":"a","type":"b"}`:   "duplicate_key",
		`{"type":"a","Type":"b"}`:   "duplicate_key",
		`{"event_id":"x"}`:          "invalid_parameter",
		`{"type":7}`:                "invalid_parameter",
		`{"type":"session.update"}`: "invalid_parameter",
		`{"type":"session.update","session":{"max_output_tokens":0}}`:                                                                       "invalid_parameter",
		`{"type":"session.update","session":{"max_output_tokens":1.5}}`:                                                                     "invalid_parameter",
		`{"type":"session.update","session":{"audio":{"input":{"transcription":7}}}}`:                                                       "invalid_parameter",
		`{"type":"session.update","session":{"model":"a","model":"b"}}`:                                                                     "duplicate_key",
		`{"type":"session.update","session":{"input_audio_transcription":{"model":"a"},"audio":{"input":{"transcription":{"model":"b"}}}}}`: "duplicate_key",
		`{"type":"response.create","response":{"max_output_tokens":"all"}}`:                                                                 "invalid_parameter",
		`{"type":"conversation.item.create","item":{"content":[{"audio":"a","audio":"b"}]}}`:                                                "duplicate_key",
		`{"type":"response.create","response":{"input":[` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `]}}`:                     "json_too_deep",
		`{"type":"response.create","response":{}} {"type":"response.create"}`:                                                               "invalid_json",
		`{"type":"session.update","session":{"type":"` + strings.Repeat("x", 100) + `"}}`:                                                   "invalid_parameter",
		`{"type":"session.update","session":{"instructions":"` + "\x01" + `"}}`:                                                             "invalid_json",
	} {
		if _, err := openai.PeekRealtimeAsk([]byte(text)); err == nil || fault.From(err).Code != code || fault.From(err).Status >= 500 {
			t.Errorf("%.100s: %v, want %s", text, err, code)
		}
	}
}

func TestWhatIsSaidIsMeasured(t *testing.T) {
	t.Parallel()
	sound := base64.StdEncoding.EncodeToString(make([]byte, 4800))
	for text, want := range map[string]openai.RealtimeInput{
		`{"type":"input_audio_buffer.append","audio":"` + sound + `"}`:                                                             {AudioBytes: 4800},
		`{"type":"input_audio_buffer.commit"}`:                                                                                     {},
		`{"type":"conversation.item.create","item":{"content":[{"type":"input_audio","audio":"` + sound + `"}]}}`:                  {AudioBytes: 4800},
		`{"type":"conversation.item.create","item":{"content":[{"type":"input_image","image_url":"data:image/png;base64,AAAA"}]}}`: {Images: 1},
		`{"type":"response.create","response":{"input":[{"content":[{"audio":"` + sound + `"},{"image_url":"x"}]}]}}`:              {AudioBytes: 4800, Images: 1},
	} {
		a, err := openai.PeekRealtimeAsk([]byte(text))
		got := a.Input
		got.Text, got.TextBytes = 0, 0
		if err != nil || got != want || a.Input.TextBytes > 120 {
			t.Errorf("%.100s: %+v, %v", text, a.Input, err)
		}
	}
	a, err := openai.PeekRealtimeAsk([]byte(`{"type":"response.create","event_id":"e1","response":{"instructions":"Say it loudly.","max_output_tokens":7,"output_modalities":["text"]}}`))
	if err != nil || a.ID != "e1" || a.Output.Tokens != 7 || a.Modalities != openai.TextOnly || a.Input.TextBytes < 14 || a.Input.Text < 3 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestNewsAreRead(t *testing.T) {
	t.Parallel()
	sound := base64.StdEncoding.EncodeToString(make([]byte, 2400))
	peek := func(text string) openai.RealtimeNews {
		n, err := openai.PeekRealtimeNews([]byte(text))
		if err != nil {
			t.Fatal(text, err)
		}
		return n
	}
	if n := peek(`{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"` + sound + `"}`); n.Response != "r" || n.Delta != (openai.RealtimeInput{AudioBytes: 2400}) {
		t.Errorf("%+v", n)
	}
	for _, name := range []string{"response.output_text.delta", "response.audio_transcript.delta", "response.function_call_arguments.delta"} {
		if n := peek(`{"type":"` + name + `","response_id":"r","delta":"eight by"}`); n.Delta.Text != 2 || n.Delta.AudioBytes != 0 {
			t.Errorf("%+v", n)
		}
	}
	if n := peek(`{"type":"conversation.item.input_audio_transcription.delta","delta":"not of a response"}`); n.Delta.Text != 0 {
		t.Errorf("%+v", n)
	}
	n := peek(`{"type":"response.done","response":{"id":"r","status":"failed","status_details":{"error":{"code":"c"}},"usage":null}}`)
	if n.Response != "r" || n.Status != "failed" || string(n.Error) != `{"code":"c"}` || n.Told {
		t.Errorf("%+v", n)
	}
	n = peek(`{"type":"error","error":{"type":"invalid_request_error","message":"no","event_id":"e1"}}`)
	if n.About != "e1" || n.Error == nil {
		t.Errorf("%+v", n)
	}
	n = peek(`{"type":"session.created","session":{"model":"up"}}`)
	if got := string(n.Session.Rename(openai.RealtimeRetype([]byte(`{"type":"session.created","session":{"model":"up"}}`), &n, "session.created"), "mine", "")); got != `{"type":"session.created","session":{"model":"mine"}}` {
		t.Error(got)
	}
	if _, err := openai.PeekRealtimeNews([]byte(`{"type":`)); err == nil {
		t.Error("half an event was read")
	}
}

func TestTranscriptsAreMetered(t *testing.T) {
	t.Parallel()
	for usage, want := range map[string][3]int64{ // seconds, sound, text
		`{"type":"duration","seconds":2.5}`: {3, 0, 0},
		`{"type":"tokens","total_tokens":30,"input_tokens":20,"input_token_details":{"text_tokens":5,"audio_tokens":15},"output_tokens":10}`: {2, 15, 10},
		`null`: {2, 20, 2},
	} {
		text := []byte(`{"type":"conversation.item.input_audio_transcription.completed","item_id":"i","transcript":"eight by","usage":` + usage + `}`)
		n, err := openai.PeekRealtimeNews(text)
		if err != nil || n.Item != "i" {
			t.Fatal(n, err)
		}
		m := n.Written(text, 2*openai.PCMRate-1, openai.PCMRate)
		q := m.Usage.Quantities
		if q[inference.AudioSecond] != want[0] || want[1] > 0 && q[inference.AudioInput] != want[1] || want[2] > 0 && q[inference.TextOutput] != want[2] {
			t.Errorf("%s: %v", usage, q)
		}
	}
}

// TestUsageOfAResponseIsTakenApartOnce is the property of MONEY section 3: no token in two lines, and all lines together are
// what the upstream told.
func TestUsageOfAResponseIsTakenApartOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		n := func(name string, most int64) int64 { return rapid.Int64Range(0, most).Draw(r, name) }
		text, audio, image := n("text", 1000), n("audio", 1000), n("image", 1000)
		cachedText, cachedAudio, cachedImage := n("cached text", text), n("cached audio", audio), n("cached image", image)
		outText, outAudio := n("out text", 1000), 1+n("out audio", 1000)
		input, cached := text+audio+image, cachedText+cachedAudio+cachedImage
		parts := fmt.Sprintf(`,"cached_tokens_details":{"text_tokens":%d,"audio_tokens":%d,"image_tokens":%d}`, cachedText, cachedAudio, cachedImage)
		told := rapid.Bool().Draw(r, "parts are told")
		if !told {
			parts = ""
		}
		news, err := openai.PeekRealtimeNews(fmt.Appendf(nil, `{"type":"response.done","response":{"id":"r","status":"completed","usage":{"total_tokens":%d,`+
			`"input_tokens":%d,"output_tokens":%d,"input_token_details":{"text_tokens":%d,"audio_tokens":%d,"image_tokens":%d,"cached_tokens":%d%s},`+
			`"output_token_details":{"text_tokens":%d,"audio_tokens":%d}}}}`, input+outText+outAudio, input, outText+outAudio, text, audio, image, cached, parts, outText, outAudio))
		if err != nil || !news.Told {
			r.Fatal(err, news)
		}
		q := news.Usage.Quantities
		if news.Usage.InputTokens() != input || news.Usage.OutputTokens() != outText+outAudio || q[inference.TextInputCached] != cached || q[inference.AudioOutput] != outAudio {
			r.Fatalf("%v", q)
		}
		if told && (q[inference.TextInput] != text-cachedText || q[inference.AudioInput] != audio-cachedAudio || q[inference.ImageInput] != image-cachedImage) {
			r.Fatalf("%v", q)
		}
		for _, v := range q {
			if v < 0 {
				r.Fatalf("%v", q)
			}
		}
	})
}

func TestUsageThatContradictsItselfIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, usage := range []string{
		`{"input_tokens":-1,"output_tokens":1}`, `{"input_tokens":1}`, `{"input_tokens":1.5,"output_tokens":1}`, `{"input_tokens":99999999999,"output_tokens":1}`,
		`{"input_tokens":5,"output_tokens":1,"input_token_details":{"cached_tokens":6}}`,
		`{"input_tokens":5,"output_tokens":1,"input_token_details":{"audio_tokens":1,"cached_tokens":3,"cached_tokens_details":{"audio_tokens":2}}}`,
		`{"input_tokens":5,"output_tokens":1,"input_token_details":{"audio_tokens":3,"cached_tokens":1,"cached_tokens_details":{"audio_tokens":2}}}`,
		`{"input_tokens":5,"output_tokens":1,"input_token_details":{"cached_tokens":3,"cached_tokens_details":{"audio_tokens":-2}}}`,
		`{"input_tokens":5,"output_tokens":1,"total_tokens":3}`,
	} {
		n, err := openai.PeekRealtimeNews([]byte(`{"type":"response.done","response":{"id":"r","status":"completed","usage":` + usage + `}}`))
		if err != nil || n.Told {
			t.Errorf("%s: %+v, %v", usage, n.Usage, err)
		}
	}
}

func TestErrorsAreEvents(t *testing.T) {
	t.Parallel()
	var got struct {
		Type    string `json:"type"`
		EventID string `json:"event_id"`
		Error   struct {
			Type    string  `json:"type"`
			Code    string  `json:"code"`
			Message string  `json:"message"`
			Param   *string `json:"param"`
			About   *string `json:"event_id"`
		} `json:"error"`
	}
	f := fault.New(402, "insufficient_balance", "No \"money\".")
	if err := json.Unmarshal(openai.RealtimeError(f, "e\n1"), &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "error" || !strings.HasPrefix(got.EventID, "event_") || got.Error.Type != "insufficient_quota" || got.Error.Code != f.Code || got.Error.Message != f.Message || got.Error.Param != nil || *got.Error.About != "e\n1" {
		t.Errorf("%+v", got)
	}
}

// FuzzRealtime reads anything as an event of either side: what is accepted is JSON, renaming leaves JSON, and nothing is
// counted below zero.
func FuzzRealtime(f *testing.F) {
	for _, seed := range []string{
		`{"type":"session.update","session":{"type":"realtime","model":"m","audio":{"input":{"transcription":{"model":"w"}}}}}`,
		`{"type":"conversation.item.create","item":{"content":[{"type":"input_audio","audio":"AAAA"},{"image_url":"x"}]}}`,
		`{"type":"response.create","response":{"input":[{"content":"x"}],"tools":[]}}`,
		`{"type":"response.done","response":{"id":"r","usage":{"input_tokens":5,"output_tokens":1,"input_token_details":{"cached_tokens":3,"cached_tokens_details":{"audio_tokens":2}}}}}`,
		`{"type":"response.output_audio.delta","delta":"AAAA"}`, `{"type":"error","error":{"event_id":"e"}}`, `{"type":"input_audio_buffer.append","audio":""}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		if a, err := openai.PeekRealtimeAsk(message); err == nil {
			check(t, message, a.Input)
			if !json.Valid(a.Session.Rename(message, `a"b`, "c")) {
				t.Fatalf("%q is renamed to %q", message, a.Session.Rename(message, `a"b`, "c"))
			}
		} else if fault.From(err).Status >= 500 {
			t.Fatalf("%q: %v", message, err)
		}
		if n, err := openai.PeekRealtimeNews(message); err == nil {
			check(t, message, n.Delta)
			if !json.Valid(n.Session.Rename(message, "a", "b")) || !json.Valid(openai.RealtimeRetype(message, &n, "x")) {
				t.Fatalf("%q is not JSON any more", message)
			}
			m := n.Written(message, 5, 1)
			for _, v := range append(n.Usage.Quantities[:], m.Usage.Quantities[:]...) {
				if v < 0 {
					t.Fatalf("%q takes %d", message, v)
				}
			}
		}
	})
}

func check(t *testing.T, message []byte, in openai.RealtimeInput) {
	t.Helper()
	if !json.Valid(message) {
		t.Fatalf("%q is no JSON", message)
	}
	if in.TextBytes < 0 || in.Text < 0 || in.AudioBytes < 0 || in.AudioBytes > int64(len(message)) || in.TextBytes > int64(len(message))+64 {
		t.Fatalf("%q counts as %+v", message, in)
	}
}
