package simulation

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/simulation/draw"
	"github.com/gantry-ai/gantry/internal/provider/simulation/voice"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/sound"
)

func continuing(more, instructions string) provider.Call {
	return request(inference.Completions, `{"model":"sim-chat","prompt":"Once upon a bridge"`+more+`}`, instructions)
}

func speech(text, more, instructions string) provider.Call {
	c := request(inference.Speech, `{"model":"sim-tts","voice":"alloy","input":"`+text+`"`+more+`}`, instructions)
	c.Stream = strings.Contains(more, "sse")
	return c
}

// transcript asks what a recording says that the simulation made of a text.
func hearing(kind inference.Kind, said, more string) provider.Call {
	return listenTo(kind, voice.WAV(voice.Speak(nil, said, "alloy", 100), said), more)
}

func listenTo(kind inference.Kind, file []byte, more string) provider.Call {
	data := "data:audio/wav;base64," + base64.StdEncoding.EncodeToString(file)
	return request(kind, `{"model":"sim-stt","file":"`+data+`"`+more+`}`, "")
}

func variation(more string) provider.Call {
	picture := base64.StdEncoding.EncodeToString(draw.PNG(draw.New(1).Paint(32, 32, 0)))
	return request(inference.ImageVariations, `{"model":"sim-image","size":"32x32","image":"data:image/png;base64,`+picture+`"`+more+`}`, "")
}

func moderation(input string) provider.Call {
	return request(inference.Moderations, `{"model":"sim-moderation","input":`+input+`}`, "")
}

func rankings(more, instructions string) provider.Call {
	return request(inference.Rerank, `{"model":"sim-rerank","query":"bridges in Kyiv","documents":["Tea is a drink","Bridges of Kyiv cross the Dnipro",{"text":"kyiv"}]`+more+`}`, instructions)
}

// read sends a call that succeeds and decodes the answer.
func read(t *testing.T, c provider.Call, into any) {
	t.Helper()
	status, text, err := send(t, c)
	if status != http.StatusOK || err != nil {
		t.Fatalf("%s: %d %v %.300s", c.Kind, status, err, text)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%s: %v: %.300s", c.Kind, err, text)
	}
}

type completed struct {
	Choices []struct {
		Index  int    `json:"index"`
		Text   string `json:"text"`
		Finish string `json:"finish_reason"`
	} `json:"choices"`
	Told map[string]any `json:"usage"`
}

func TestCompletions(t *testing.T) {
	t.Parallel()
	var short, long, many, echoed completed
	read(t, continuing("", ""), &short)
	if len(short.Choices) != 1 || short.Choices[0].Finish != "length" || short.Told["completion_tokens"] != float64(wire.DefaultCompletion) {
		t.Errorf("without a limit: %+v", short)
	}
	read(t, continuing(`,"max_tokens":4000`, ""), &long)
	if long.Choices[0].Finish != "stop" || !strings.HasPrefix(long.Choices[0].Text, short.Choices[0].Text) {
		t.Errorf("with room: %+v", long)
	}
	read(t, request(inference.Completions, `{"model":"sim-chat","prompt":["a cat","a dog"],"n":2,"best_of":3,"max_tokens":5}`, ""), &many)
	if len(many.Choices) != 4 || many.Choices[3].Index != 3 || many.Told["completion_tokens"] != float64(30) || many.Told["prompt_tokens"] != float64(4) {
		t.Errorf("several: %+v", many)
	}
	read(t, continuing(`,"echo":true`, ""), &echoed)
	if echoed.Choices[0].Text != "Once upon a bridge"+short.Choices[0].Text {
		t.Errorf("echoed: %q", echoed.Choices[0].Text)
	}
}

// TestCompletionsStreamWhatTheySayWhole puts the pieces of a stream together.
func TestCompletionsStreamWhatTheySayWhole(t *testing.T) {
	t.Parallel()
	var whole completed
	read(t, continuing(`,"max_tokens":40`, ""), &whole)
	status, text, err := send(t, continuing(`,"max_tokens":40,"stream":true,"stream_options":{"include_usage":true}`, ""))
	if status != http.StatusOK || err != nil || !strings.HasSuffix(text, wire.DoneFrame) || !strings.Contains(text, `"choices":[]`) {
		t.Fatalf("%d %v %.300s", status, err, text)
	}
	var said strings.Builder
	for line := range strings.Lines(text) {
		var chunk completed
		if data, ok := strings.CutPrefix(line, "data: {"); ok && json.Unmarshal([]byte("{"+data), &chunk) == nil && len(chunk.Choices) == 1 {
			said.WriteString(chunk.Choices[0].Text)
		}
	}
	if said.String() != whole.Choices[0].Text {
		t.Errorf("streamed %q, whole %q", said.String(), whole.Choices[0].Text)
	}
	if _, _, err := send(t, continuing(`,"max_tokens":40,"stream":true`, "fault=cut;after=4")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut stream ended with %v", err)
	}
}

// TestSpeechIsSoundThatItsTranscriptKnows goes there and back.
func TestSpeechIsSoundThatItsTranscriptKnows(t *testing.T) {
	t.Parallel()
	const said = "The bridge is open. Drive slowly!"
	_, file, err := send(t, speech(said, "", ""))
	if d, ok := sound.Duration([]byte(file)); err != nil || !ok || d < 2*time.Second || d > 3*time.Second {
		t.Errorf("%v, %v, %v", d, ok, err)
	}
	_, pcm, _ := send(t, speech(said, `,"response_format":"pcm"`, ""))
	if !strings.HasSuffix(file, pcm) || len(pcm) < 100_000 {
		t.Errorf("%d bytes of samples", len(pcm))
	}
	var out struct {
		Text     string
		Duration int
		Usage    struct {
			Type    string
			Seconds int
		}
		Segments []struct {
			Start, End float64
			Text       string
		}
	}
	read(t, listenTo(inference.Transcriptions, []byte(file), `,"response_format":"verbose_json"`), &out)
	if out.Text != said || out.Usage.Seconds != 3 || out.Usage.Type != "duration" || out.Duration != 3 || len(out.Segments) != 2 || out.Segments[1].End != 3 {
		t.Errorf("%+v", out)
	}
	for format, want := range map[string]string{
		"text": said + "\n",
		"srt":  "1\n00:00:00,000 --> 00:00:01,500\nThe bridge is open.\n\n2\n00:00:01,500 --> 00:00:03,000\nDrive slowly!\n\n",
		"vtt":  "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nThe bridge is open.\n\n00:00:01.500 --> 00:00:03.000\nDrive slowly!\n\n",
	} {
		if _, text, _ := send(t, listenTo(inference.Transcriptions, []byte(file), `,"response_format":"`+format+`"`)); text != want {
			t.Errorf("%s: %q", format, text)
		}
	}
}

func TestTranscriptsOfWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	unknown := bytes.Repeat(append([]byte{0xFF, 0xFB, 0x90, 0x00}, make([]byte, 413)...), 20)
	var first, second, english struct{ Text string }
	read(t, listenTo(inference.Transcriptions, unknown, ""), &first)
	read(t, listenTo(inference.Transcriptions, unknown, ""), &second)
	if first.Text == "" || first.Text != second.Text {
		t.Errorf("%q, then %q", first.Text, second.Text)
	}
	read(t, hearing(inference.Translations, "桥已经开放。", ""), &english)
	if english.Text == "" || strings.ContainsFunc(english.Text, isHan) {
		t.Errorf("translated: %q", english.Text)
	}
}

func TestStreamsOfSound(t *testing.T) {
	t.Parallel()
	_, text, err := send(t, speech("hello there", `,"stream_format":"sse"`, ""))
	if names := eventNames(text); err != nil || len(names) < 3 || names[0] != "speech.audio.delta" || names[len(names)-1] != "speech.audio.done" {
		t.Errorf("%v %v", err, names)
	}
	_, text, err = send(t, hearing(inference.Transcriptions, "hello there", `,"stream":true`))
	if names := eventNames(text); err != nil || len(names) != 3 || names[0] != "transcript.text.delta" || names[2] != "transcript.text.done" {
		t.Errorf("%v %v", err, names)
	}
	if _, text, err := send(t, speech(strings.Repeat("hello ", 20), "", "fault=cut;after=10")); err == nil || len(text) == 0 {
		t.Errorf("a cut recording: %v, %d bytes", err, len(text))
	}
}

func eventNames(text string) (out []string) {
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			out = append(out, strings.TrimSpace(name))
		}
	}
	return out
}

func TestModerations(t *testing.T) {
	t.Parallel()
	for input, want := range map[string][]bool{
		`"how nice"`:                              {false},
		`["how nice","I will KILL it"]`:           {false, true},
		`[{"type":"text","text":"build a bomb"}]`: {true},
		`[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]`: {false},
	} {
		var out struct {
			Results []struct {
				Flagged    bool
				Categories map[string]bool
				Scores     map[string]float64 `json:"category_scores"`
			}
		}
		read(t, moderation(input), &out)
		if len(out.Results) != len(want) {
			t.Errorf("%s: %+v", input, out)
			continue
		}
		for i, flagged := range want {
			if r := out.Results[i]; r.Flagged != flagged || len(r.Categories) != 13 || len(r.Scores) != 13 {
				t.Errorf("%s: %+v", input, r)
			}
		}
	}
}

func TestRankings(t *testing.T) {
	t.Parallel()
	var out struct {
		Results []struct {
			Index    int
			Score    float64 `json:"relevance_score"`
			Document *struct{ Text string }
		}
		Usage map[string]int
		Meta  struct {
			Billed map[string]int `json:"billed_units"`
		}
	}
	read(t, rankings(`,"top_n":2,"return_documents":true`, ""), &out)
	if len(out.Results) != 2 || out.Results[0].Index != 1 || out.Results[0].Score <= out.Results[1].Score || out.Results[0].Score > 1 ||
		out.Results[1].Document.Text != "kyiv" || out.Meta.Billed["search_units"] != 1 || out.Usage["total_tokens"] == 0 {
		t.Errorf("%+v", out)
	}
	read(t, rankings("", "fault=no_usage"), &out)
	if len(out.Results) != 3 || out.Results[2].Score > out.Results[1].Score {
		t.Errorf("%+v", out)
	}
}

func TestVariations(t *testing.T) {
	t.Parallel()
	some, _ := pictures(t, variation(`,"n":2`))
	again, _ := pictures(t, variation(`,"n":2`))
	if len(some) != 2 || some[0].At(9, 9) != again[0].At(9, 9) || some[0].Bounds().Dx() != 32 {
		t.Errorf("%d variations", len(some))
	}
}

func TestWhatTheEngineRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call   provider.Call
		status int
		param  string
	}{
		"speech in mp3":       {speech("hi", `,"response_format":"mp3"`, ""), 400, "response_format"},
		"a speech too long":   {speech(strings.Repeat("x", maxSpoken+1), "", ""), 400, "input"},
		"another model":       {request(inference.Speech, `{"model":"sim-chat","input":"x"}`, ""), 404, "model"},
		"an empty prompt":     {request(inference.Completions, `{"model":"sim-chat","prompt":""}`, ""), 400, "prompt"},
		"another transcriber": {request(inference.Transcriptions, `{"model":"sim-chat","file":"`+"data:audio/wav;base64,"+base64.StdEncoding.EncodeToString(voice.WAV(make([]byte, 9600), "x"))+`"}`, ""), 404, "model"},
		"a diarized one":      {hearing(inference.Transcriptions, "x", `,"response_format":"diarized_json"`), 400, "response_format"},
		"another judge":       {request(inference.Moderations, `{"input":"x"}`, ""), 404, "model"},
		"numbers judged":      {moderation(`[1]`), 400, "input"},
		"another ranker":      {request(inference.Rerank, `{"model":"sim-chat","query":"x","documents":["y"]}`, ""), 404, "model"},
	} {
		status, text, _ := send(t, c.call)
		if _, _, param, _ := wire.ParseError([]byte(text)); status != c.status || param != c.param {
			t.Errorf("%s: %d %.200s", name, status, text)
		}
	}
	if status, text, _ := send(t, speech("hi", "", "fault=malformed")); status != http.StatusOK || text != "<html>" {
		t.Errorf("malformed: %d %q", status, text)
	}
}
