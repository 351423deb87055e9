package app

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/testkit/fakeopenai"
	"github.com/gantry-ai/gantry/internal/wire/sound"
)

// uploadSound sends a form with one file and returns the answer, read to its end.
func (h *house) uploadSound(path, key, field string, file []byte, fields map[string]string) (*http.Response, []byte) {
	h.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, value := range fields {
		_ = w.WriteField(name, value)
	}
	part, err := w.CreateFormFile(field, "recording.bin")
	if err != nil {
		h.t.Fatal(err)
	}
	_, _ = part.Write(file)
	_ = w.Close()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+path, &form)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp, out
}

// billed checks what the newest call of a caller was billed.
func (h *house) billed(key, want string) {
	h.t.Helper()
	if lines, currency := h.bills(key); strings.Join(lines, ";") != want || len(lines) > 0 && currency != "SIM" {
		h.t.Errorf("billed %v in %s, want %s", lines, currency, want)
	}
}

func TestCompletionsAreServed(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		ada := h.invite("ada", "")
		ask := map[string]any{"model": "sim-chat", "prompt": []string{"A bridge", "A boat"}, "max_tokens": 10, "n": 2}
		var whole struct {
			Object  string
			Choices []struct{ Text string }
			Usage   struct {
				Made int `json:"completion_tokens"`
			}
		}
		h.call("POST", "/v1/completions", ada.key, ask, &whole, 200)
		if whole.Object != "text_completion" || len(whole.Choices) != 4 || whole.Usage.Made != 40 {
			t.Errorf("%+v", whole)
		}
		h.billed(ada.key, "text_input 0.000004 0.00001;text_output 0.00004 0.0004")
		ask["stream"] = true
		resp, text := h.send("POST", "/v1/completions", ada.key, ask)
		if resp.StatusCode != http.StatusOK || strings.Contains(string(text), `"usage"`) || !strings.HasSuffix(string(text), "data: [DONE]\n\n") || strings.Count(string(text), `"text":"`) < 44 {
			t.Errorf("%d %.300s", resp.StatusCode, text)
		}
		h.billed(ada.key, "text_input 0.000004 0.00001;text_output 0.00004 0.0004")
		resp, text = h.send("POST", "/v1/completions", ada.key, ask, "X-Simulation", "fault=cut;after=4")
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(text), `"code":"upstream_bad_response"`) {
			t.Errorf("%d %.300s", resp.StatusCode, text)
		}
		if lines, _ := h.bills(ada.key); len(lines) != 2 {
			t.Errorf("a cut completion is billed %v", lines)
		}
		short := whole
		h.call("POST", "/v1/completions", ada.key, map[string]any{"model": "sim-chat", "prompt": "A bridge"}, &short, 200)
		if short.Usage.Made != 16 {
			t.Errorf("without a limit: %+v", short)
		}
	})
}

func TestSpeechIsDeliveredAsItComes(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		ada := h.invite("ada", "")
		ask := map[string]any{"model": "sim-tts", "input": "Mind the gap, 注意空隙", "voice": "alloy"}
		resp, file := h.send("POST", "/v1/audio/speech", ada.key, ask)
		if d, ok := sound.Duration(file); resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "audio/wav" || !ok || d.Round(time.Second) != time.Second {
			t.Errorf("%d %v, %v", resp.StatusCode, resp.Header, d)
		}
		h.billed(ada.key, "characters 18 0.00027")
		resp, keyed := h.send("POST", "/v1/audio/speech", ada.key, ask, "Idempotency-Key", "k1")
		again, repeated := h.send("POST", "/v1/audio/speech", ada.key, ask, "Idempotency-Key", "k1")
		if resp.Header.Get("Content-Type") != "audio/wav" || !bytes.Equal(keyed, file) || !bytes.Equal(repeated, file) || again.Header.Get("Content-Type") != "audio/wav" {
			t.Errorf("%v, repeated %v: %d and %d bytes", resp.Header, again.Header, len(keyed), len(repeated))
		}
		ask["stream_format"] = "sse"
		resp, text := h.send("POST", "/v1/audio/speech", ada.key, ask)
		if names := eventNames(string(text)); resp.StatusCode != http.StatusOK || len(names) < 2 || names[len(names)-1] != "speech.audio.done" || !strings.Contains(string(text), `"usage"`) {
			t.Errorf("%d, %v", resp.StatusCode, names)
		}
		h.billed(ada.key, "characters 18 0.00027")
	})
}

// TestSpeechThatFails: what has not begun is an error in the protocol, and costs nothing; what is cut is cut for the caller too.
func TestSpeechThatFails(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		ada := h.invite("ada", "")
		ask := map[string]any{"model": "sim-tts", "input": strings.Repeat("gap ", 60), "voice": "alloy", "response_format": "pcm"}
		for fault, code := range map[string]string{"fault=malformed": "upstream_bad_response", "fault=500": "upstream_error", "fault=cut;after=0": ""} {
			resp, text := h.send("POST", "/v1/audio/speech", ada.key, ask, "X-Simulation", fault)
			if code != "" && (resp.StatusCode != http.StatusBadGateway || !strings.Contains(string(text), code)) {
				t.Errorf("%s: %d %.200s", fault, resp.StatusCode, text)
			}
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/v1/audio/speech",
			strings.NewReader(`{"model":"sim-tts","input":"`+strings.Repeat("gap ", 60)+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+ada.key)
		req.Header.Set("X-Simulation", "fault=cut;after=40")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		file, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) || len(file) == 0 {
			t.Errorf("%d, %v, %d bytes", resp.StatusCode, err, len(file))
		}
		h.billed(ada.key, "characters 240 0.0036")
	})
}

func TestRecordingsAreWrittenDown(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		ada := h.invite("ada", "")
		const said = "The bridge is open. Drive slowly!"
		_, file := h.send("POST", "/v1/audio/speech", ada.key, map[string]any{"model": "sim-tts", "input": said, "voice": "echo"})
		for format, want := range map[string]struct{ kind, text string }{
			"":             {"application/json", `{"text":"` + said + `","usage":{"seconds":3,"type":"duration"}}`},
			"text":         {"text/plain; charset=utf-8", said + "\n"},
			"srt":          {"text/plain; charset=utf-8", "1\n00:00:00,000 --> 00:00:01,500\nThe bridge is open.\n\n2\n00:00:01,500 --> 00:00:03,000\nDrive slowly!\n\n"},
			"verbose_json": {"application/json", ""},
		} {
			fields := map[string]string{"model": "sim-stt", "temperature": "0.2", "timestamp_granularities[]": "segment"}
			if format != "" {
				fields["response_format"] = format
			}
			resp, text := h.uploadSound("/v1/audio/transcriptions", ada.key, "file", file, fields)
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != want.kind || want.text != "" && string(text) != want.text {
				t.Errorf("%s: %d %s %q", format, resp.StatusCode, resp.Header.Get("Content-Type"), text)
			}
			h.billed(ada.key, "audio_second 3 0.0003")
		}
		resp, text := h.uploadSound("/v1/audio/transcriptions", ada.key, "file", file, map[string]string{"model": "sim-stt", "stream": "true"})
		if names := eventNames(string(text)); resp.StatusCode != http.StatusOK || names[0] != "transcript.text.delta" || names[len(names)-1] != "transcript.text.done" {
			t.Errorf("%d %v", resp.StatusCode, names)
		}
		h.billed(ada.key, "audio_second 3 0.0003")
		resp, text = h.uploadSound("/v1/audio/translations", ada.key, "file", file, map[string]string{"model": "sim-stt"})
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(text), said) {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
		resp, text = h.uploadSound("/v1/audio/transcriptions", ada.key, "file", []byte("#!/bin/sh\n"), map[string]string{"model": "sim-stt"})
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), `"code":"file_type_not_allowed"`) {
			t.Errorf("a script: %d %s", resp.StatusCode, text)
		}
		resp, text = h.uploadSound("/v1/audio/transcriptions", ada.key, "data", file, map[string]string{"model": "sim-stt"})
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), `"param":"data"`) {
			t.Errorf("a file of another name: %d %s", resp.StatusCode, text)
		}
	})
}

func TestTextsAreJudgedRankedAndPicturesVaried(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		ada := h.invite("ada", "")
		var judged struct{ Results []struct{ Flagged bool } }
		h.call("POST", "/v1/moderations", ada.key, map[string]any{"model": "sim-moderation", "input": []string{"hello", "I will kill it"}}, &judged, 200)
		if len(judged.Results) != 2 || judged.Results[0].Flagged || !judged.Results[1].Flagged {
			t.Errorf("%+v", judged)
		}
		h.billed(ada.key, "request 1 0")
		documents := make([]string, 101)
		for i := range documents {
			documents[i] = fmt.Sprint("document ", i)
		}
		for _, path := range []string{"/v1/rerank", "/v2/rerank", "/rerank"} {
			var ranked struct {
				Results []struct {
					Index int
					Score float64 `json:"relevance_score"`
				}
			}
			h.call("POST", path, ada.key, map[string]any{"model": "sim-rerank", "query": "document 7", "documents": documents, "top_n": 1000}, &ranked, 200)
			if len(ranked.Results) != 101 || ranked.Results[0].Index != 7 {
				t.Errorf("%s: %d results, first %+v", path, len(ranked.Results), ranked.Results[0])
			}
			h.billed(ada.key, "search 2 0.004")
		}
		resp, text := h.uploadSound("/v1/images/variations", ada.key, "image", fakeopenai.Pixel, map[string]string{"model": "sim-image", "n": "2", "size": "32x32", "response_format": "b64_json"})
		var varied pictures
		if err := json.Unmarshal(text, &varied); resp.StatusCode != http.StatusOK || err != nil || len(varied.Data) != 2 {
			t.Fatalf("%d %.200s", resp.StatusCode, text)
		}
		if raw, err := base64.StdEncoding.DecodeString(varied.Data[0].B64); err != nil || !bytes.HasPrefix(raw, []byte("\x89PNG")) {
			t.Errorf("a variation is %.20q", raw)
		}
		h.billed(ada.key, "image 2 0.08")
	})
}

// TestEndpointsHaveNoTasks: they say so instead of doing something else.
func TestEndpointsHaveNoTasks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.invite("ada", "")
	for _, path := range []string{"/v1/completions", "/v1/moderations", "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/rerank", "/v1/images/variations"} {
		resp, text := h.send("POST", path, ada.key, map[string]any{"model": "sim-chat"}, "X-Async", "true")
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "X-Async is not supported") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
}
