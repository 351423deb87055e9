package openai

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
)

// recording is silence in WAV: so many seconds of 8 kHz and 8 bits.
func recording(seconds int) []byte {
	b := new(bytes.Buffer)
	b.WriteString("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00")
	_ = binary.Write(b, binary.LittleEndian, []uint16{1, 1})
	_ = binary.Write(b, binary.LittleEndian, []uint32{8000, 8000})
	_ = binary.Write(b, binary.LittleEndian, []uint16{1, 8})
	b.WriteString("data")
	_ = binary.Write(b, binary.LittleEndian, uint32(8000*seconds))
	b.Write(make([]byte, 8000*seconds))
	return b.Bytes()
}

func dataURL(file []byte) string {
	return "data:audio/wav;base64," + base64.StdEncoding.EncodeToString(file)
}

// rest are the formats of operations that are neither chats nor made of pictures, with a request that each takes.
var rest = map[string]struct {
	format wire.Format
	good   string
}{
	"completion":    {Completions, `{"model":"m","prompt":"a b"}`},
	"speech":        {Speech, `{"model":"m","input":"hello","voice":"alloy"}`},
	"transcription": {Transcriptions, `{"model":"m","file":"` + dataURL(recording(2)) + `"}`},
	"translation":   {Translations, `{"model":"m","file":"` + dataURL(recording(2)) + `"}`},
	"moderation":    {Moderations, `{"model":"m","input":["a","b"]}`},
	"ranking":       {Rerank, `{"model":"m","query":"q","documents":["a","b","c"]}`},
	"embedding":     {Embeddings, `{"model":"m","input":["a","b"]}`},
	"variation":     {ImageVariations, `{"model":"m","image":"data:image/png;base64,iVBORw0KGgoAAAAN"}`},
}

// with is the good request of a format with members put in front.
func with(name, members string) string { return "{" + members + "," + rest[name].good[1:] }

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	script := dataURL([]byte("#!/bin/sh\n rm -rf"))
	for _, c := range []struct{ name, body, code, path string }{
		{"completion", `{"model":"m"}`, "invalid_parameter", "prompt"},
		{"completion", `{"model":"m","prompt":[]}`, "invalid_parameter", "prompt"},
		{"completion", `{"model":"m","prompt":[1,"a"]}`, "invalid_parameter", "prompt"},
		{"completion", `{"model":"m","prompt":[-1]}`, "invalid_parameter", "prompt"},
		{"completion", `{"model":"m","prompt":{"a":1}}`, "invalid_parameter", "prompt"},
		{"completion", `{"model":"m","prompt":["a"` + strings.Repeat(`,"a"`, MaxPrompts) + `]}`, "invalid_parameter", "prompt"},
		{"completion", with("completion", `"n":3,"best_of":2`), "invalid_parameter", "best_of"},
		{"completion", with("completion", `"best_of":1000`), "invalid_parameter", "best_of"},
		{"completion", with("completion", `"max_tokens":-1`), "invalid_parameter", "max_tokens"},
		{"completion", with("completion", `"Prompt":"x"`), "invalid_parameter", "prompt"},
		{"completion", with("completion", `"prompt":"x"`), "duplicate_key", "prompt"},
		{"speech", `{"model":"m"}`, "invalid_parameter", "input"},
		{"speech", `{"model":"m","input":["a"]}`, "invalid_parameter", "input"},
		{"speech", `{"model":"m","input":"\ud800"}`, "invalid_parameter", "input"},
		{"speech", `{"model":"m","input":"` + strings.Repeat("x", MaxPromptBytes+1) + `"}`, "invalid_parameter", "input"},
		{"speech", with("speech", `"speed":0.1`), "invalid_parameter", "speed"},
		{"speech", with("speech", `"speed":4.01`), "invalid_parameter", "speed"},
		{"speech", with("speech", `"speed":1e0`), "invalid_parameter", "speed"},
		{"speech", with("speech", `"speed":"1"`), "invalid_parameter", "speed"},
		{"speech", with("speech", `"stream_format":"raw"`), "invalid_parameter", "stream_format"},
		{"speech", `{"model":"m","input":"a","voice":7}`, "invalid_parameter", "voice"},
		{"transcription", `{"model":"m"}`, "invalid_parameter", "file"},
		{"transcription", `{"model":"m","file":"https://example.com/a.wav"}`, "invalid_parameter", "file"},
		{"transcription", `{"model":"m","file":"data:audio/wav;base64,!!!!"}`, "invalid_parameter", "file"},
		{"transcription", `{"model":"m","file":"` + script + `"}`, "file_type_not_allowed", "file"},
		{"transcription", with("transcription", `"stream":"yes"`), "invalid_parameter", "stream"},
		{"transcription", with("transcription", `"response_format":7`), "invalid_parameter", "response_format"},
		{"translation", `{"model":"m","file":null}`, "invalid_parameter", "file"},
		{"moderation", `{"model":"m"}`, "invalid_parameter", "input"},
		{"moderation", `{"model":7,"input":"a"}`, "invalid_parameter", "model"},
		{"moderation", `{"input":""}`, "invalid_parameter", "input"},
		{"ranking", `{"model":"m","documents":["a"]}`, "invalid_parameter", "query"},
		{"ranking", `{"model":"m","query":"","documents":["a"]}`, "invalid_parameter", "query"},
		{"ranking", `{"model":"m","query":["q"],"documents":["a"]}`, "invalid_parameter", "query"},
		{"ranking", `{"model":"m","query":"q","documents":[]}`, "invalid_parameter", "documents"},
		{"ranking", `{"model":"m","query":"q","documents":"a"}`, "invalid_parameter", "documents"},
		{"ranking", `{"model":"m","query":"q","documents":["a",7]}`, "invalid_parameter", "documents[1]"},
		{"ranking", `{"model":"m","query":"q","documents":["a"` + strings.Repeat(`,""`, MaxDocuments) + `]}`, "invalid_parameter", "documents"},
		{"ranking", with("ranking", `"top_n":0`), "invalid_parameter", "top_n"},
		{"ranking", with("ranking", `"return_documents":"no"`), "invalid_parameter", "return_documents"},
		{"embedding", `{"model":"m","input":["a",""]}`, "invalid_parameter", "input"},
		{"embedding", `{"model":"m","input":["a",7]}`, "invalid_parameter", "input"},
		{"embedding", `{"model":"m","input":[[1],[]]}`, "invalid_parameter", "input"},
		{"embedding", `{"model":"m","input":["a"` + strings.Repeat(`,"a"`, MaxPrompts) + `]}`, "invalid_parameter", "input"},
		{"embedding", with("embedding", `"dimensions":0`), "invalid_parameter", "dimensions"},
		{"embedding", with("embedding", `"dimensions":1.5`), "invalid_parameter", "dimensions"},
		{"embedding", with("embedding", `"encoding_format":"hex"`), "invalid_parameter", "encoding_format"},
		{"variation", `{"model":"m"}`, "invalid_parameter", "image"},
		{"variation", `{"model":"m","image":"https://example.com/a.png"}`, "invalid_parameter", "image"},
		{"variation", `{"model":"m","image":"https://127.0.0.1/a.png"}`, "url_not_allowed", "image"},
		{"variation", with("variation", `"n":11`), "invalid_parameter", "n"},
	} {
		_, err := rest[c.name].format.Peek([]byte(c.body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Status != 400 || f.Code != c.code || f.Path != c.path {
			t.Errorf("%s %.80s: %v, want %s at %s", c.name, c.body, err, c.code, c.path)
		}
	}
}

func TestWhatTheRestAsksFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		check      func(a *wire.Ask) bool
	}{
		{"completion", rest["completion"].good, func(a *wire.Ask) bool { return a.MaxOutput == DefaultCompletion && a.Choices == 1 && a.Inputs == 1 }},
		{"completion", `{"model":"m","prompt":["a","b",[1,2]],"n":2,"best_of":4,"max_tokens":0,"stream":true}`, func(a *wire.Ask) bool {
			return a.Choices == 12 && a.Inputs == 3 && a.MaxOutput == 1 && a.Stream
		}},
		{"completion", `{"model":"m","prompt":[1,2,3]}`, func(a *wire.Ask) bool { return a.Inputs == 1 }},
		{"speech", `{"model":"m","input":"你好 hi","voice":{"id":"v1"},"speed":0.5,"stream_format":"sse","response_format":"pcm"}`, func(a *wire.Ask) bool {
			return a.Characters == 5 && a.Stream && a.Seconds == 7 && a.SecondsBound && a.OutputBound == 175 &&
				a.Dimensions["voice"] == "v1" && a.Dimensions["response_format"] == "pcm"
		}},
		{"transcription", with("transcription", `"stream":true,"language":"uk"`), func(a *wire.Ask) bool {
			return a.Seconds == 2 && !a.SecondsBound && a.Stream && a.Dimensions["language"] == "uk" && a.OutputBound == 56
		}},
		{"translation", `{"model":"m","file":"data:audio/webm;base64,` + base64.StdEncoding.EncodeToString(append([]byte{0x1A, 0x45, 0xDF, 0xA3}, make([]byte, 5000)...)) + `"}`, func(a *wire.Ask) bool {
			return a.Seconds == 11 && a.SecondsBound && !a.Stream
		}},
		{"moderation", `{"input":"a"}`, func(a *wire.Ask) bool { return a.Model == DefaultModeration }},
		{"ranking", rest["ranking"].good, func(a *wire.Ask) bool { return a.Searches == 1 && a.Inputs == 3 }},
		{"ranking", `{"model":"m","query":"` + strings.Repeat("q", 1000) + `","documents":["a"` + strings.Repeat(`,"b"`, 99) + `]}`, func(a *wire.Ask) bool {
			return a.Searches == 3 && a.InputBound > 100_000
		}},
		{"embedding", `{"model":"m","input":["a","b",{"image":"x"}],"dimensions":256,"encoding_format":"base64"}`, func(a *wire.Ask) bool { return a.Inputs == 3 }},
		{"variation", with("variation", `"n":3,"response_format":"url"`), func(a *wire.Ask) bool { return a.Images == 3 && a.MediaForm == wire.AsURL && a.Needs == 0 }},
	} {
		a, err := rest[c.name].format.Peek([]byte(c.body))
		if err != nil || !c.check(&a) {
			t.Errorf("%s %.100s: %+v, %v", c.name, c.body, a, err)
		}
	}
}

func TestEditsOfTheRest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"completion", `{"model":"m","prompt":"a"}`, `{"max_tokens":16,"model":"up","prompt":"a"}`},
		{"completion", `{"model":"m","prompt":"a","max_tokens":0,"runMode":"simulation"}`, `{"model":"up","prompt":"a","max_tokens":0}`},
		{"completion", `{"model":"m","prompt":"a","max_completion_tokens":7}`, `{"model":"up","prompt":"a","max_tokens":7}`},
		{"speech", `{"model":"m","input":"a","runMode":"simulation","x":1}`, `{"model":"up","input":"a","x":1}`},
		{"moderation", `{"input":"a","runMode":"simulation"}`, `{"model":"up","input":"a"}`},
		{"moderation", `{"model":null,"input":"a"}`, `{"model":"up","input":"a"}`},
		{"moderation", `{"model":"m","input":"a"}`, `{"model":"up","input":"a"}`},
		{"ranking", `{"model":"m","query":"q","documents":["a"],"top_n":9,"runMode":"live"}`, `{"model":"up","query":"q","documents":["a"],"top_n":1}`},
		{"ranking", `{"model":"m","query":"q","documents":["a"],"top_n":1}`, `{"model":"up","query":"q","documents":["a"],"top_n":1}`},
	} {
		f := rest[c.name].format
		a, err := f.Peek([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		got := f.Edit(nil, []byte(c.body), &a, wire.Change{Model: "up", MaxOutput: 999, MaxOutputParam: "max_completion_tokens"})
		if string(got) != c.want {
			t.Errorf("%s became %s, want %s", c.body, got, c.want)
		}
	}
}

// answered is what a format makes of an answer to its good request with members put in front.
func answered(t *testing.T, name, members, answer string) (wire.Metered, bool) {
	t.Helper()
	body := rest[name].good
	if members != "" {
		body = with(name, members)
	}
	a, err := rest[name].format.Peek([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return rest[name].format.(wire.Answerer).AnswerTo(&a, []byte(answer)) //nolint:forcetypeassert // all that are asked are
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, members, answer string }{
		{"speech", "", ""},
		{"speech", "", `{"error":{"message":"x"}}`},
		{"speech", "", "\xEF\xBB\xBF <!DOCTYPE html><html>"},
		{"transcription", "", "plain text"},
		{"transcription", "", `{"error":{"message":"x"}}`},
		{"transcription", "", `{"other":1}`},
		{"transcription", `"response_format":"srt"`, "<html>"},
		{"transcription", `"response_format":"text"`, "\xff\xfe"},
		{"transcription", `"response_format":"text"`, `{"error":{"message":"x"}}`},
		{"moderation", "", `{"results":{}}`},
		{"moderation", "", `{"results":[],"error":"x"}`},
		{"ranking", "", `{"results":"none"}`},
		{"ranking", "", `[]`},
		{"ranking", "", `{"results":[],"error":{"message":"x"}}`},
	} {
		if m, ok := answered(t, c.name, c.members, c.answer); ok {
			t.Errorf("%s took %q as %+v", c.name, c.answer, m)
		}
	}
}

// TestUnitsOfTheRest: no unit stands in two classes, what the upstream tells is believed, and what is not known is guessed.
func TestUnitsOfTheRest(t *testing.T) {
	t.Parallel()
	type q = inference.Quantities
	const text, sounds, made, seconds = inference.TextInput, inference.AudioInput, inference.TextOutput, inference.AudioSecond
	for _, c := range []struct {
		name, members, answer string
		want                  q
		guessed               inference.Resources
	}{
		{"speech", `"response_format":"pcm"`, strings.Repeat("x", 96_000), q{inference.Characters: 5, seconds: 2, inference.AudioOutput: 40, text: 2}, inference.ResourcesOf(text, inference.AudioOutput)},
		{"speech", "", "something", q{inference.Characters: 5, seconds: 1, inference.AudioOutput: 20, text: 2}, inference.ResourcesOf(text, inference.AudioOutput, seconds)},
		{"transcription", "", `{"text":"hello","usage":{"type":"duration","seconds":7}}`, q{seconds: 7, sounds: 70, made: 2}, inference.ResourcesOf(text, sounds, made)},
		{"transcription", "", `{"text":"hello","duration":7.000001}`, q{seconds: 8, sounds: 80, made: 2}, inference.ResourcesOf(text, sounds, made)},
		{"transcription", "", `{"text":"hello","usage":{"type":"duration","seconds":-7}}`, q{seconds: 2, sounds: 20, made: 2}, inference.ResourcesOf(text, sounds, made)},
		{"transcription", "", `{"text":"hello","duration":1e99}`, q{seconds: 2, sounds: 20, made: 2}, inference.ResourcesOf(text, sounds, made)},
		{
			"transcription", "", `{"text":"hello","usage":{"type":"tokens","input_tokens":14,"output_tokens":5,"total_tokens":19,"input_token_details":{"text_tokens":4,"audio_tokens":10}}}`,
			q{seconds: 2, text: 4, sounds: 10, made: 5},
			0,
		},
		{
			"transcription", "", `{"text":"hello","usage":{"type":"tokens","input_tokens":14,"output_tokens":5,"input_token_details":{"audio_tokens":99}}}`,
			q{seconds: 2, sounds: 20, made: 2},
			inference.ResourcesOf(text, sounds, made),
		},
		{"translation", `"response_format":"vtt"`, "WEBVTT\n\nhello", q{seconds: 2, sounds: 20, made: 4}, inference.ResourcesOf(text, sounds, made)},
		{"moderation", "", `{"results":[]}`, q{text: 3}, inference.ResourcesOf(text)},
		{"ranking", "", `{"results":[],"usage":{"total_tokens":40}}`, q{inference.Search: 1, text: 40}, inference.ResourcesOf(inference.Search)},
		{"ranking", "", `{"results":[],"meta":{"billed_units":{"search_units":3},"tokens":{"input_tokens":8,"output_tokens":0}}}`, q{inference.Search: 3, text: 8}, 0},
		{"ranking", "", `{"results":[],"meta":{"billed_units":{"search_units":-3}},"usage":{"total_tokens":1e9}}`, q{inference.Search: 1, text: 6}, inference.ResourcesOf(inference.Search, text)},
	} {
		m, ok := answered(t, c.name, c.members, c.answer)
		if !ok || !m.Known || m.Usage.Quantities != c.want || m.Guessed != c.guessed {
			t.Errorf("%s %.80s: %+v, %v", c.name, c.answer, m, ok)
		}
	}
}

// streamed feeds a stream to a format's meter and returns what is delivered but for what is kept back, and what is metered.
func streamed(t *testing.T, name, members string, events ...string) (string, wire.Metered, wire.Sign) {
	t.Helper()
	a, err := rest[name].format.Peek([]byte(with(name, members)))
	if err != nil {
		t.Fatal(err)
	}
	m := rest[name].format.Meter(wire.MeterOptions{HideUsage: true, Choices: a.Choices, Ask: &a})
	var out strings.Builder
	var sign wire.Sign
	for _, e := range events {
		var deliver []byte
		deliver, sign = m.Event([]byte("data: "+e+"\n\n"), []byte(e))
		out.Write(deliver)
	}
	return out.String(), m.Result(), sign
}

func TestStreamsOfTheRest(t *testing.T) {
	t.Parallel()
	type q = inference.Quantities
	chunk := func(text, finish string) string {
		return `{"id":"x","object":"text_completion","choices":[{"index":0,"text":"` + text + `","logprobs":null,"finish_reason":` + finish + `}]}`
	}
	out, m, sign := streamed(t, "completion", `"stream":true`, chunk("hello ", "null"), chunk("there ", "null"), chunk("friend", "null"), chunk("", `"stop"`),
		`{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}}`, "[DONE]")
	if strings.Count(out, "data: ") != 4 || strings.Contains(out, "usage") || sign != wire.Ended || !m.Known || m.Usage.Quantities != (q{inference.TextInput: 2, inference.TextOutput: 3}) {
		t.Errorf("%s: %+v, %v", out, m, sign)
	}
	_, m, sign = streamed(t, "completion", `"stream":true`, chunk("hello there friend of mine", "null"))
	if m.Known || m.OutputTokens != 7 || sign != wire.Goes {
		t.Errorf("without usage %+v, %v", m, sign)
	}
	if _, _, sign := streamed(t, "completion", `"stream":true`, `{"error":{"message":"x"}}`); sign != wire.Broken {
		t.Errorf("an error is %v", sign)
	}
	out, m, sign = streamed(t, "speech", `"stream_format":"sse"`, `{"type":"speech.audio.delta","audio":"AAAA"}`,
		`{"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}`)
	want := q{inference.TextInput: 14, inference.AudioOutput: 101, inference.Characters: 5, inference.AudioSecond: 1}
	if strings.Count(out, "data: ") != 1 || sign != wire.Ended || m.Usage.Quantities != want || m.Guessed != inference.ResourcesOf(inference.AudioSecond) {
		t.Errorf("%s: %+v, %v", out, m, sign)
	}
	delta, done := `{"type":"transcript.text.delta","delta":"hello there"}`, `{"type":"transcript.text.done","text":"hello there"`
	_, m, sign = streamed(t, "transcription", `"stream":true`, delta, done+`,"usage":{"type":"duration","seconds":9}}`)
	if sign != wire.Ended || m.Usage.Quantities != (q{inference.AudioSecond: 9, inference.AudioInput: 90, inference.TextOutput: 3}) {
		t.Errorf("%+v, %v", m, sign)
	}
	_, m, _ = streamed(t, "transcription", `"stream":true`, delta, done+`,"usage":{"type":"tokens","input_tokens":14,"output_tokens":5,"total_tokens":19,"input_token_details":{"text_tokens":4,"audio_tokens":10}}}`)
	if m.Guessed != 0 || m.Usage.Quantities != (q{inference.AudioSecond: 2, inference.TextInput: 4, inference.AudioInput: 10, inference.TextOutput: 5}) {
		t.Errorf("%+v", m)
	}
	if _, m, _ = streamed(t, "transcription", `"stream":true`, delta); m.Usage.Quantities[inference.AudioSecond] != 2 {
		t.Errorf("a cut transcript: %+v", m)
	}
}

func TestTypesOfAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, members, upstream, want string }{
		{"speech", "", "", "audio/mpeg"},
		{"speech", "", "audio/ogg; codecs=opus", "audio/ogg"},
		{"speech", `"response_format":"opus"`, "application/json", "audio/opus"},
		{"speech", `"response_format":"amr"`, "text/html", "application/octet-stream"},
		{"transcription", "", "text/html", "application/json"},
		{"transcription", `"response_format":"srt"`, "text/html", "text/plain; charset=utf-8"},
		{"transcription", `"response_format":"vtt"`, "text/vtt", "text/vtt; charset=utf-8"},
		{"transcription", `"response_format":"text"`, "application/json", "application/json"},
		{"ranking", "", "text/html", "application/json"},
	} {
		body := rest[c.name].good
		if c.members != "" {
			body = with(c.name, c.members)
		}
		a, err := rest[c.name].format.Peek([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := rest[c.name].format.(wire.Answerer).ContentType(&a, c.upstream); got != c.want { //nolint:forcetypeassert // all that are asked are
			t.Errorf("%s %s from %s: %s", c.name, c.members, c.upstream, got)
		}
	}
}

// part is a field of a form; a file where it has a name.
type part struct{ name, file, content string }

func soundForm(parts ...part) ([]byte, string) {
	b := new(bytes.Buffer)
	w := multipart.NewWriter(b)
	for _, p := range parts {
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + p.name + `"`}}
		if p.file != "" {
			h = textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + p.name + `"; filename="` + p.file + `"`}, "Content-Type": {"text/x-shellscript"}}
		}
		out, _ := w.CreatePart(h)
		_, _ = out.Write([]byte(p.content))
	}
	_ = w.Close()
	return b.Bytes(), w.Boundary()
}

func TestFormsWithRecordings(t *testing.T) {
	t.Parallel()
	file := part{"file", "evil.sh", string(recording(1))}
	body, boundary := soundForm(part{"model", "", "m"}, file, part{"temperature", "", "0.20"}, part{"include[]", "", "logprobs"},
		part{"timestamp_granularities[]", "", "word"}, part{"timestamp_granularities[]", "", "segment"}, part{"stream", "", "true"}, part{"note", "", `say "hi"`})
	out, err := SoundForm(body, boundary)
	if err != nil || !json.Valid(out) {
		t.Fatalf("%v: %.200s", err, out)
	}
	want := `{"model":"m","temperature":0.20,"stream":true,"note":"say \"hi\"","include":["logprobs"],"timestamp_granularities":["word","segment"],"file":"data:audio/wav;base64,`
	if !strings.HasPrefix(string(out), want) {
		t.Errorf("got %.300s", out)
	}
	f, err := PeekTranscription(out)
	if err != nil || f.Seconds != 1 || !bytes.Equal(f.Decode(), recording(1)) {
		t.Errorf("%+v, %v", f.Seconds, err)
	}
	if body, boundary = soundForm(part{"model", "", "m"}); true {
		if out, err := SoundForm(body, boundary); err != nil || string(out) != `{"model":"m"}` {
			t.Errorf("without a file: %s, %v", out, err)
		}
	}
	for name, parts := range map[string][]part{
		"a script":            {{"file", "a.wav", "#!/bin/sh"}},
		"raw aac":             {{"file", "a.wav", "\xff\xf1\x50\x80\x10\x1f\xfc"}},
		"two files":           {file, file},
		"another file":        {file, {"voice", "b.wav", string(recording(1))}},
		"a bad number":        {{"temperature", "", "NaN"}},
		"a number in digits":  {{"temperature", "", "1e3"}},
		"a bad flag":          {{"stream", "", "perhaps"}},
		"a text that is none": {{"prompt", "", "\xff"}},
		"too many of a list":  append([]part{file}, bytesOf(65)...),
	} {
		body, boundary := soundForm(parts...)
		var r *RequestError
		if _, err := SoundForm(body, boundary); !errors.As(err, &r) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range []string{"", "nonsense", "--b\r\n\r\n"} {
		if _, err := SoundForm([]byte(c), "b"); err == nil {
			t.Errorf("%q is a form", c)
		}
	}
}

func bytesOf(n int) (out []part) {
	for range n {
		out = append(out, part{"keywords[]", "", "x"})
	}
	return out
}

// FuzzRest: whatever comes, what was taken can be edited, and is the same request afterwards.
func FuzzRest(f *testing.F) {
	for _, r := range rest {
		f.Add([]byte(r.good), []byte(`{"results":[],"text":"x","usage":{"seconds":3},"meta":{"tokens":{}}}`))
	}
	f.Fuzz(func(t *testing.T, body, answer []byte) {
		for name, r := range rest {
			a, err := r.format.Peek(body)
			if err != nil {
				continue
			}
			if a.InputBound < 0 || a.OutputBound < 0 || a.Seconds < 0 || a.Choices < 1 {
				t.Errorf("%s: %+v", name, a)
			}
			edited := r.format.Edit(nil, body, &a, wire.Change{Model: "other"})
			if b, err := r.format.Peek(edited); err != nil || b.Model != "other" || b.Characters != a.Characters || b.Seconds != a.Seconds || b.Choices != a.Choices {
				t.Errorf("%s: %s became %s: %v", name, body, edited, err)
			}
			if depends, ok := r.format.(wire.Answerer); ok {
				if m, ok := depends.AnswerTo(&a, answer); ok {
					for _, n := range m.Usage.Quantities {
						if n < 0 {
							t.Errorf("%s: %+v", name, m)
						}
					}
				}
			}
		}
	})
}

func FuzzSoundForm(f *testing.F) {
	body, boundary := soundForm(part{"model", "", "m"}, part{"include[]", "", "x"}, part{"file", "a", string(recording(1)[:64])})
	f.Add(body, boundary)
	f.Fuzz(func(t *testing.T, body []byte, boundary string) {
		out, err := SoundForm(body, boundary)
		if err == nil && !json.Valid(out) {
			t.Errorf("%q", out)
		}
	})
}
