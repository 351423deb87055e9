package openai

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
)

// dot is a picture of one pixel, as far as anybody looks at it here.
var dot = []byte("\x89PNG\r\n\x1a\n one pixel")

var dotURL = "data:image/png;base64," + base64.StdEncoding.EncodeToString(dot)

func TestPeekImages(t *testing.T) {
	t.Parallel()
	a, err := ImageGenerations.Peek([]byte(`{"model":"gpt-image-1","prompt":"a paper boat","n":3,"size":"1024x1024","quality":"low",
		"seed":7,"response_format":"url","user":"u","runMode":"simulation","future":{"a":[1]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if a.Model != "gpt-image-1" || a.Images != 3 || a.Choices != 3 || a.ImageTokens != imageTokensLow || a.MediaForm != wire.AsURL ||
		!a.Simulation || a.StickyKey != "u" || a.Dimensions["size"] != "1024x1024" || a.Dimensions["quality"] != "low" ||
		a.InputBound < 12 || a.InputBound > 100 || a.Needs != 0 {
		t.Errorf("got %+v", a)
	}
	if f := mediaFacts(&a); f.Seed != "7" || f.Prompt != "a paper boat" {
		t.Errorf("got %+v", f)
	}
	a, err = ImageGenerations.Peek([]byte(`{"model":"m","prompt":"x","n":null,"response_format":null}`))
	if err != nil || a.Images != 1 || a.ImageTokens != imageTokensUnknown || a.MediaForm != wire.AsMade {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestPeekEdits(t *testing.T) {
	t.Parallel()
	for _, images := range []string{
		`"images":[{"image_url":"` + dotURL + `"}]`,
		`"image":"` + strings.ReplaceAll(dotURL, "/", `\/`) + `"`,
		`"image":["` + dotURL + `"],"mask":{"image_url":"` + dotURL + `"}`,
		`"image":{"image_url":{"url":"` + dotURL + `"}}`,
		`"image_url":"https://example.com/a.png?b=c"`,
		`"images":[{"file_id":"file-1"}]`,
	} {
		body := []byte(`{"model":"m","prompt":"x",` + images + `}`)
		a, err := ImageEdits.Peek(body)
		if err != nil {
			t.Errorf("%s: %v", images, err)
			continue
		}
		f := mediaFacts(&a)
		in := f.Inputs[0]
		if len(f.Inputs) != 1 || in.URL == "" && in.FileID == "" && !bytes.Equal(in.Decode(), dot) || a.InputBound < imageInputTokens {
			t.Errorf("%s: got %+v", images, f)
		}
	}
}

func TestPeekVideos(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int64{
		`"seconds":"8"`: 8, `"seconds":5`: 5, `"duration":6`: 6, `"seconds":"6","duration":6`: 6, `"n":2`: 2 * DefaultVideoSeconds,
		`"seconds":null`: DefaultVideoSeconds,
	} {
		a, err := VideoGenerations.Peek([]byte(`{"model":"m","prompt":"x","audio":true,"resolution":"720p",` + body + `}`))
		if err != nil || a.Seconds != want || a.Dimensions["audio"] != "true" || a.Dimensions["resolution"] != "720p" {
			t.Errorf("%s: %+v, %v", body, a, err)
		}
	}
}

func TestPeekMediaRefuses(t *testing.T) {
	t.Parallel()
	picture := `,"image":"` + dotURL + `"`
	for _, c := range []struct {
		format     wire.Format
		body       string
		code, path string
	}{
		{ImageGenerations, `{"model":"m"}`, "invalid_parameter", "prompt"},
		{ImageGenerations, `{"model":"m","prompt":""}`, "invalid_parameter", "prompt"},
		{ImageGenerations, `{"model":"m","prompt":5}`, "invalid_parameter", "prompt"},
		{ImageGenerations, `{"prompt":"x"}`, "invalid_parameter", "model"},
		{ImageGenerations, `{"model":"m","prompt":"x","n":0}`, "invalid_parameter", "n"},
		{ImageGenerations, `{"model":"m","prompt":"x","n":-5}`, "invalid_parameter", "n"},
		{ImageGenerations, `{"model":"m","prompt":"x","n":11}`, "invalid_parameter", "n"},
		{ImageGenerations, `{"model":"m","prompt":"x","n":1,"N":10}`, "duplicate_key", "n"},
		{ImageGenerations, `{"model":"m","prompt":"x","size":7}`, "invalid_parameter", "size"},
		{ImageGenerations, `{"model":"m","prompt":"x","size":"` + strings.Repeat("9", 65) + `"}`, "invalid_parameter", "size"},
		{ImageGenerations, `{"model":"m","prompt":"x","response_format":"file"}`, "invalid_parameter", "response_format"},
		{ImageGenerations, `{"model":"m","prompt":"x","seed":"a"}`, "invalid_parameter", "seed"},
		{ImageGenerations, `{"model":"m","prompt":"x"`, "invalid_json", ""},
		{ImageEdits, `{"model":"m","prompt":"x"}`, "invalid_parameter", "images"},
		{ImageEdits, `{"model":"m","prompt":"x","images":[]}`, "invalid_parameter", "images"},
		{ImageEdits, `{"model":"m","prompt":"x","images":[{}]}`, "invalid_parameter", "images[0]"},
		{ImageEdits, `{"model":"m","prompt":"x","image":"data:image/png;base64,@@@@"}`, "invalid_parameter", "image"},
		{ImageEdits, `{"model":"m","prompt":"x","image":"data:image/png;base64,"}`, "invalid_parameter", "image"},
		{ImageEdits, `{"model":"m","prompt":"x","image":"data:image/svg+xml;base64,PHN2Zz48L3N2Zz4="}`, "file_type_not_allowed", "image"},
		{ImageEdits, `{"model":"m","prompt":"x","image":"data:image/jpeg` + strings.TrimPrefix(dotURL, "data:image/png") + `"}`, "file_type_not_allowed", "image"},
		{ImageEdits, `{"model":"m","prompt":"x","image":["` + strings.Repeat(dotURL+`","`, 16) + dotURL + `"]}`, "invalid_parameter", "images"},
		{ImageEdits, `{"model":"m","prompt":"x","image":"http://127.0.0.1:8080/a.png"}`, "url_not_allowed", "image"},
		{ImageEdits, `{"model":"m","prompt":"x"` + picture + `,"mask":{"image_url":"file:///etc/passwd"}}`, "url_not_allowed", "mask.image_url"},
		{VideoGenerations, `{"model":"m","prompt":"x","seconds":0}`, "invalid_parameter", "seconds"},
		{VideoGenerations, `{"model":"m","prompt":"x","seconds":"soon"}`, "invalid_parameter", "seconds"},
		{VideoGenerations, `{"model":"m","prompt":"x","duration":601}`, "invalid_parameter", "duration"},
		{VideoGenerations, `{"model":"m","prompt":"x","seconds":"4","duration":8}`, "invalid_parameter", "duration"},
		{VideoGenerations, `{"model":"m","prompt":"x","audio":"yes"}`, "invalid_parameter", "audio"},
		{VideoGenerations, `{"model":"m","prompt":"x","n":5}`, "invalid_parameter", "n"},
	} {
		_, err := c.format.Peek([]byte(c.body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != c.code || f.Path != c.path || f.Status != 400 {
			t.Errorf("%.90s: %v", c.body, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, public := range map[string]bool{
		"https://example.com/a.png": true, "http://8.8.8.8/a": true, "https://[2606:4700::1111]/a": true, "https://cdn.example.co/": true,
		"http://127.0.0.1/": false, "http://0x7f.1/": false, "http://0x7f000001/": false, "http://2130706433/": false,
		"http://[::1]/": false, "http://[::ffff:10.0.0.1]/": false, "http://[64:ff9b::a9fe:a9fe]/": false,
		"http://[2002:7f00:1::]/": false, "http://100.64.0.1/": false, "http://224.0.0.1/": false, "http://[fd00::1]/": false,
		"http://metadata.google.internal/": false, "http://localhost/": false, "http://LOCALHOST./": false, "http://intranet/": false,
		"gopher://example.com/": false, "file:///etc/passwd": false, "http://a@example.com/": false,
		`http://example.com\@127.0.0.1/`: false, "http://169.254.169.254/": false, "http://0.0.0.0/": false, "": false,
	} {
		if err := checkAddress(address, "url"); (err == nil) != public {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// form writes a form of named fields; names that begin with @ are files.
func form(tb testing.TB, fields ...string) (body []byte, boundary string) {
	tb.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		if name, isFile := strings.CutPrefix(fields[i], "@"); isFile {
			part, err := w.CreateFormFile(name, "../a\"\r\nX: 1.png")
			if err != nil {
				tb.Fatal(err)
			}
			_, _ = part.Write([]byte(fields[i+1]))
			continue
		}
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes(), w.Boundary()
}

func TestEditForm(t *testing.T) {
	t.Parallel()
	body, boundary := form(t, "model", "m", "prompt", "say \"hi\"\n", "n", "2", "stream", "false", "@image[]", string(dot),
		"@image[]", string(dot), "@mask", string(dot), "custom", "7")
	got, err := EditForm(body, boundary)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"model":"m","prompt":"say \u0022hi\u0022\u000a","n":2,"stream":false,"custom":"7","mask":{"image_url":"` + dotURL +
		`"},"images":[{"image_url":"` + dotURL + `"},{"image_url":"` + dotURL + `"}]}`
	var gotValue, wantValue any
	if json.Unmarshal(got, &gotValue) != nil || json.Unmarshal([]byte(want), &wantValue) != nil || compactJSON(t, gotValue) != compactJSON(t, wantValue) {
		t.Errorf("got %s", got)
	}
	a, err := ImageEdits.Peek(got)
	if err != nil || a.Images != 2 || len(mediaFacts(&a).Inputs) != 2 || mediaFacts(&a).Mask.IsZero() {
		t.Errorf("got %+v, %v", a, err)
	}
}

func compactJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEditFormRefuses(t *testing.T) {
	t.Parallel()
	many := make([]string, 0, 140)
	for range 70 {
		many = append(many, "x", "")
	}
	for _, c := range []struct {
		name, code, path string
		fields           []string
	}{
		{"twice", "duplicate_key", "model", []string{"model", "a", "model", "b"}},
		{"twice in another case", "duplicate_key", "Model", []string{"model", "a", "Model", "b"}},
		{"no number", "invalid_parameter", "n", []string{"n", "two"}},
		{"no truth value", "invalid_parameter", "stream", []string{"stream", "perhaps"}},
		{"no picture", "file_type_not_allowed", "image[0]", []string{"@image", "<svg/>"}},
		{"no mask", "file_type_not_allowed", "mask", []string{"@mask", "GIF89a"}},
		{"a file elsewhere", "invalid_parameter", "prompt", []string{"@prompt", string(dot)}},
		{"no text", "invalid_parameter", "prompt", []string{"prompt", "\xff"}},
		{"a long text", "invalid_parameter", "prompt", []string{"prompt", strings.Repeat("a", maxFieldBytes+1)}},
		{"no name", "malformed_request", "", []string{"", "a"}},
		{"many parts", "malformed_request", "", many[:4:4]},
	} {
		if c.name == "many parts" {
			c.fields = nil
			for i := range maxParts + 1 {
				c.fields = append(c.fields, strings.Repeat("x", i%60+1)+string(rune('a'+i/60)), "")
			}
		}
		body, boundary := form(t, c.fields...)
		_, err := ImageEdits.(wire.Former).FromForm(body, boundary) //nolint:forcetypeassert // compile-time guards say so
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != c.code || f.Path != c.path || f.Status != 400 {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	body, boundary := form(t, "model", "m", "@image", string(dot))
	for name, c := range map[string]struct {
		body     []byte
		boundary string
	}{
		"no boundary": {body, ""}, "another boundary": {body, "other"}, "cut short": {body[:len(body)-30], boundary},
		"a long header": {bytes.Replace(body, []byte("Content-Type"), []byte("X: "+strings.Repeat("a", 5000)+"\r\nContent-Type"), 1), boundary},
	} {
		var r *RequestError
		if _, err := EditForm(c.body, c.boundary); !errors.As(err, &r) || r.Code != CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzEditForm(f *testing.F) {
	body, boundary := form(f, "model", "m", "prompt", "x", "@image", string(dot))
	f.Add(body, boundary)
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\x00\r\n--b--"), "b")
	f.Fuzz(func(t *testing.T, body []byte, boundary string) {
		out, err := EditForm(body, boundary)
		var r *RequestError
		if err == nil && !json.Valid(out) || err != nil && !errors.As(err, &r) {
			t.Errorf("%q: %s, %v", body, out, err)
		}
	})
}

func FuzzPeekMedia(f *testing.F) {
	f.Add([]byte(`{"model":"m","prompt":"x","n":2,"images":[{"image_url":"` + dotURL + `"}],"seconds":"5"}`))
	f.Add([]byte(`{"model":"m","prompt":"x","image":["https://a.example/b",{"url":"\u0000"}],"mask":{"file_id":"f"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, format := range []wire.Format{ImageGenerations, ImageEdits, VideoGenerations, Responses} {
			a, err := format.Peek(body)
			if err != nil {
				continue
			}
			if !json.Valid(body) || a.Model == "" || a.Choices < 1 || a.InputBound < 1 {
				t.Errorf("%s: %q gave %+v", format.Kind(), body, a)
			}
			if out := format.Edit(nil, body, &a, wire.Change{Model: "other", MaxOutput: 9}); !json.Valid(out) {
				t.Errorf("%s: %q became %q", format.Kind(), body, out)
			}
		}
	})
}

func TestImageAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int64{
		`{"created":1,"data":[{"b64_json":"QUJD"}]}`:                              1,
		`{"data":[{"url":"https://x.example/1"},{"b64_json":"QUJD","url":null}]}`: 2,
		`{"data":[]}`:   0,
		`{"data":[{}]}`: 0,
		`{"data":[7]}`:  0,
		`{"data":[{"url":"x"}],"error":{"message":"x"}}`: 0,
		`{"choices":[]}`: 0,
	} {
		m, ok := ImageGenerations.Answer([]byte(body))
		if ok != (want > 0) || ok && m.Usage.Quantities[inference.Image] != want || m.Known {
			t.Errorf("%s: %+v, %v", body, m, ok)
		}
	}
	m, ok := ImageEdits.Answer([]byte(`{"data":[{"b64_json":"QUJD"}],"usage":{"input_tokens":50,"output_tokens":272,"total_tokens":322,
		"input_tokens_details":{"text_tokens":10,"image_tokens":40}}}`))
	q := m.Usage.Quantities
	if !ok || !m.Known || q[inference.Image] != 1 || q[inference.TextInput] != 10 || q[inference.ImageInput] != 40 || q[inference.ImageOutput] != 272 {
		t.Errorf("got %+v", m)
	}
}

func TestMediaAreExchanged(t *testing.T) {
	t.Parallel()
	bearer := ImageGenerations.(wire.MediaBearer) //nolint:forcetypeassert // compile-time guards say so
	body := []byte(`{"a":"[{","data":[{"url":"https://x.example/1","revised_prompt":"p"},{"b64_json":"QUJD"},{"url":null,"b64_json":"QUJD"},{"url":"y","b64_json":null}],"z":1}`)
	found := bearer.Media(body)
	if len(found) != 4 || found[0].URL != "https://x.example/1" || string(found[1].Data) != "QUJD" || string(found[2].Data) != "QUJD" || found[3].URL != "y" {
		t.Fatalf("got %+v", found)
	}
	got := string(bearer.WithMedia(nil, body, []wire.Medium{{Data: []byte("REVG")}, {URL: "u1"}, {URL: "u2"}, {Data: []byte("REVG")}}))
	want := `{"a":"[{","data":[{"b64_json":"REVG","revised_prompt":"p"},{"url":"u1"},{"url":"u2","b64_json":null},{"url":null,"b64_json":"REVG"}],"z":1}`
	if got != want {
		t.Errorf("got %s", got)
	}
	if same := string(bearer.WithMedia(nil, body, found)); same != string(body) {
		t.Errorf("got %s", same)
	}
}

func TestMediaFormatsReadAndEdit(t *testing.T) {
	t.Parallel()
	body := []byte(`{"model":"m","prompt":"Brücke über den Fluss","n":2,"runMode":"live"}`)
	a, err := ImageGenerations.Peek(body)
	if err != nil {
		t.Fatal(err)
	}
	got := string(ImageGenerations.Edit(nil, body, &a, wire.Change{Model: "n", AskUsage: true, MaxOutputParam: "max_completion_tokens"}))
	if got != `{"model":"n","prompt":"Brücke über den Fluss","n":2}` {
		t.Errorf("got %s", got)
	}
	texter := ImageGenerations.(wire.Texter) //nolint:forcetypeassert // compile-time guards say so
	if s := texter.Text(body, &a, 4); s != "Brü" {
		t.Errorf("got %q", s)
	}
	if n := ImageGenerations.InputTokens(body, &a); n < 3 || n > 20 {
		t.Errorf("%d tokens", n)
	}
	if _, ok := VideoGenerations.Answer([]byte(`{"data":[{"url":"x"}]}`)); ok {
		t.Error("a video came in an answer")
	}
}
