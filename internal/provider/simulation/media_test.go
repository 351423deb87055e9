package simulation

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	_ "image/png"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/simulation/draw"
	"github.com/gantry-ai/gantry/internal/provider/simulation/mp4"
	relay "github.com/gantry-ai/gantry/internal/wire"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
	"github.com/gantry-ai/gantry/internal/wire/sse"
)

func images(more, instructions string) provider.Call {
	return request(inference.ImageGenerations, `{"model":"sim-image","prompt":"a paper boat","size":"64x48"`+more+`}`, instructions)
}

func edits(more string) provider.Call {
	picture := base64.StdEncoding.EncodeToString(draw.PNG(draw.New(1).Paint(32, 32, 0)))
	return request(inference.ImageEdits, `{"model":"sim-image","prompt":"at night","size":"32x32","image":"data:image/png;base64,`+picture+`"`+more+`}`, "")
}

func videos(more, instructions string) provider.Call {
	return request(inference.VideoGenerations, `{"model":"sim-video","prompt":"waves","size":"64x48"`+more+`}`, instructions)
}

func answers(more, instructions string) provider.Call {
	return request(inference.Responses, `{"model":"sim-chat","input":"Explain bridges in Kyiv"`+more+`}`, instructions)
}

// pictures are the pictures of an answer.
func pictures(t *testing.T, c provider.Call) (out []image.Image, answer string) {
	t.Helper()
	status, text, err := send(t, c)
	if status != http.StatusOK || err != nil {
		t.Fatalf("status %d, %v: %.200s", status, err, text)
	}
	var body struct {
		Data []struct {
			URL string `json:"url"`
			B64 string `json:"b64_json"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	for _, d := range body.Data {
		raw, err := base64.StdEncoding.DecodeString(d.B64 + strings.TrimPrefix(d.URL, "data:image/png;base64,"))
		if err != nil {
			t.Fatal(err)
		}
		img, kind, err := image.Decode(bytes.NewReader(raw))
		if err != nil || kind != "png" {
			t.Fatalf("%s: %v", kind, err)
		}
		out = append(out, img)
	}
	return out, text
}

func TestImagesAreRealAndReproducible(t *testing.T) {
	t.Parallel()
	first, text := pictures(t, images(`,"n":2,"seed":7`, ""))
	if len(first) != 2 || first[0].Bounds() != image.Rect(0, 0, 64, 48) {
		t.Fatalf("%d pictures of %v", len(first), first[0].Bounds())
	}
	if bytes.Equal(draw.PNG(first[0]), draw.PNG(first[1])) {
		t.Error("two pictures of one call are the same")
	}
	if _, again := pictures(t, images(`,"n":2,"seed":7`, "")); again != text {
		t.Error("the same request gave another answer")
	}
	if _, other := pictures(t, images(`,"n":2,"seed":8`, "")); other == text {
		t.Error("another seed gave the same answer")
	}
	linked, text := pictures(t, images(`,"response_format":"url"`, ""))
	if len(linked) != 1 || !strings.Contains(text, `"url":"data:image/png;base64,`) {
		t.Errorf("got %.100s", text)
	}
	if square, _ := pictures(t, request(inference.ImageGenerations, `{"model":"sim-image","prompt":"x","size":"auto"}`, "")); square[0].Bounds().Dx() != defaultEdge {
		t.Errorf("got %v", square[0].Bounds())
	}
}

func TestEditsKeepWhatTheMaskCovers(t *testing.T) {
	t.Parallel()
	whole, _ := pictures(t, edits(""))
	mask := image.NewNRGBA(image.Rect(0, 0, 32, 32))
	for i := range 16 * 32 {
		mask.Pix[4*i+3] = 255 // the upper half stays
	}
	under := draw.New(1).Paint(32, 32, 0)
	kept, _ := pictures(t, edits(`,"mask":{"image_url":"data:image/png;base64,`+base64.StdEncoding.EncodeToString(draw.PNG(mask))+`"}`))
	same := func(a, b image.Image, y int) bool {
		for x := range 32 {
			if ar, ag, ab, _ := a.At(x, y).RGBA(); true {
				br, bg, bb, _ := b.At(x, y).RGBA()
				if ar != br || ag != bg || ab != bb {
					return false
				}
			}
		}
		return true
	}
	if !same(kept[0], under, 3) || same(kept[0], under, 30) || same(whole[0], under, 3) {
		t.Error("the mask does not decide what changes")
	}
}

func TestImagesAreMetered(t *testing.T) {
	t.Parallel()
	for _, c := range []provider.Call{images(`,"n":3`, ""), images(`,"n":3`, "fault=no_usage")} {
		_, text := pictures(t, c)
		m, ok := wire.ImageGenerations.Answer([]byte(text))
		if !ok || m.Usage.Quantities[inference.Image] != 3 || m.Known != (c.Header == nil) {
			t.Errorf("%+v, %v", m, ok)
		}
	}
}

func TestMediaRequestsAreChecked(t *testing.T) {
	t.Parallel()
	broken := base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n and nothing more"))
	for _, c := range []struct {
		call   provider.Call
		status int
		code   string
	}{
		{images(`,"size":"8x8"`, ""), 400, "duplicate_parameter"},
		{request(inference.ImageGenerations, `{"model":"sim-image","prompt":"x","size":"8x8"}`, ""), 400, "invalid_value"},
		{request(inference.ImageGenerations, `{"model":"sim-image","prompt":"x","size":"4096x4096"}`, ""), 400, "invalid_value"},
		{request(inference.ImageGenerations, `{"model":"sim-image","prompt":"x","size":"wide"}`, ""), 400, "invalid_value"},
		{request(inference.ImageGenerations, `{"model":"dall-e","prompt":"x"}`, ""), 404, "model_not_found"},
		{request(inference.ImageEdits, `{"model":"sim-image","prompt":"x","image":"data:image/png;base64,`+broken+`"}`, ""), 400, "invalid_image"},
		{images("", "fault=content_policy"), 400, "content_policy_violation"},
		{images("", "fault=fail"), 500, "server_error"},
		{answers(`,"text":{"format":{"type":"table"}}`, ""), 400, "invalid_value"},
		{answers(`,"reasoning":{"effort":"huge"}`, ""), 400, "invalid_value"},
		{request(inference.Responses, `{"model":"sim-chat","input":[{"type":"picture"}]}`, ""), 400, "invalid_value"},
	} {
		status, text, _ := send(t, c.call)
		if code, _, _, _ := wire.ParseError([]byte(text)); status != c.status || code != c.code {
			t.Errorf("%.120s: %d %s", c.call.Body, status, text)
		}
	}
}

// events returns the types of a stream's events, what a meter took of it, and the last event.
func events(t *testing.T, f relay.Format, stream string) (types []string, m relay.Metered, last string) {
	t.Helper()
	meter := f.Meter(relay.MeterOptions{})
	r := sse.NewReader(strings.NewReader(stream), 1<<20)
	defer r.Release()
	for {
		e, err := r.Next()
		if err != nil {
			return types, meter.Result(), last
		}
		types = append(types, string(e.Name))
		if _, sign := meter.Event(e.Raw, e.Data); sign == relay.Ended {
			last = string(e.Data)
		}
	}
}

func TestResponsesSayWhatChatsSay(t *testing.T) {
	t.Parallel()
	_, whole, _ := send(t, answers(`,"reasoning":{"effort":"low"}`, ""))
	m, ok := wire.Responses.Answer([]byte(whole))
	if !ok || !m.Known || m.Usage.Quantities[inference.TextReasoning] != 32 {
		t.Fatalf("%+v, %v: %s", m, ok, whole)
	}
	_, stream, _ := send(t, answers(`,"reasoning":{"effort":"low"},"stream":true`, ""))
	types, streamed, last := events(t, wire.Responses, stream)
	if streamed.Usage != m.Usage || types[0] != "response.created" || types[1] != "response.in_progress" || types[len(types)-1] != "response.completed" {
		t.Errorf("%+v, %v", streamed, types)
	}
	var end struct {
		Response json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal([]byte(last), &end); err != nil || string(end.Response) != whole {
		t.Errorf("the stream comes to\n%s\nand the answer is\n%s", end.Response, whole)
	}
}

func TestResponsesCallTools(t *testing.T) {
	t.Parallel()
	tools := `,"tools":[{"type":"function","name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}]`
	c := request(inference.Responses, `{"model":"sim-chat","input":[{"role":"user","content":[{"type":"input_text","text":"weather in Kyiv"}]}]`+tools+`}`, "")
	_, text, _ := send(t, c)
	var r struct {
		Output []struct {
			Type      string `json:"type"`
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
			CallID    string `json:"call_id"`
		} `json:"output"`
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil || len(r.Output) != 1 || r.Output[0].Type != "function_call" || r.Output[0].Name != "get_weather" || !json.Valid([]byte(r.Output[0].Arguments)) {
		t.Fatalf("%s, %v", text, err)
	}
	more := `{"model":"sim-chat","input":[{"role":"user","content":"weather in Kyiv"},{"type":"function_call","call_id":"` + r.Output[0].CallID +
		`","name":"get_weather","arguments":"{}"},{"type":"function_call_output","call_id":"` + r.Output[0].CallID + `","output":"sunny"}]` + tools + `}`
	if _, text, _ = send(t, request(inference.Responses, more, "")); !strings.Contains(text, "sunny") || strings.Contains(text, `"function_call"`) {
		t.Errorf("got %s", text)
	}
	_, stream, _ := send(t, request(inference.Responses, strings.TrimSuffix(string(c.Body), "}")+`,"stream":true}`, ""))
	if types, m, _ := events(t, wire.Responses, stream); !m.Known || !strings.Contains(strings.Join(types, " "), "response.function_call_arguments.done") {
		t.Errorf("%v", types)
	}
}

func TestResponsesEndWhereTheyMust(t *testing.T) {
	t.Parallel()
	_, text, _ := send(t, answers(`,"max_output_tokens":3`, ""))
	if m, ok := wire.Responses.Answer([]byte(text)); !ok || m.Usage.OutputTokens() != 3 || !strings.Contains(text, `"reason":"max_output_tokens"`) {
		t.Errorf("got %s", text)
	}
	for instructions, want := range map[string]error{"fault=cut;after=2": io.ErrUnexpectedEOF, "fault=malformed;after=2": nil} {
		_, stream, err := send(t, answers(`,"stream":true`, instructions))
		if types, m, last := events(t, wire.Responses, stream); !errors.Is(err, want) || m.Known || last != "" || len(types) < 4 {
			t.Errorf("%s: %v, %v", instructions, types, err)
		}
	}
}

func TestImagesTakeShapeInStreams(t *testing.T) {
	t.Parallel()
	const partial = "image_generation.partial_image"
	_, stream, err := send(t, images(`,"stream":true,"partial_images":2`, ""))
	types, m, _ := events(t, wire.ImageGenerations, stream)
	if err != nil || !slices.Equal(types, []string{partial, partial, "image_generation.completed"}) ||
		m.Usage.Quantities[inference.Image] != 1 || !m.Known {
		t.Errorf("%v, %+v, %v", types, m, err)
	}
}

// studio is an engine with a clock that stands still unless it is moved.
type studio struct {
	*engine

	clock *clock.Manual
	book  JobBook
}

func newStudio(t *testing.T, book JobBook) studio {
	t.Helper()
	c := clock.NewManual(time.Unix(1_760_000_000, 0))
	u, err := New(Options{Clock: c.Now, TokensPerSecond: 100, Jobs: book}).Open(provider.Account{})
	if err != nil {
		t.Fatal(err)
	}
	return studio{u.(*engine), c, book} //nolint:forcetypeassert // Open makes nothing else
}

func TestVideosTakeTheirTime(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	c := videos(`,"seconds":"4","n":2`, "")
	job, err := s.Submit(t.Context(), &c)
	if err != nil || job.State != provider.JobQueued || job.Progress != 0 {
		t.Fatalf("%+v, %v", job, err)
	}
	if _, err := s.Fetch(t.Context(), job.ID, 0); !hasCategory(err, inference.NotFound) {
		t.Errorf("a video that is not there yet: %v", err)
	}
	for _, step := range []struct {
		after time.Duration
		state provider.JobState
		at    int
	}{{100 * time.Millisecond, provider.JobQueued, 0}, {900 * time.Millisecond, provider.JobRunning, 50}, {time.Second, provider.JobSucceeded, 100}} {
		s.clock.Advance(step.after)
		if job, err = newStudioAt(t, s).Query(t.Context(), job.ID); err != nil || job.State != step.state || job.Progress != step.at {
			t.Errorf("%+v, %v, want %v", job, err, step)
		}
	}
	if len(job.Results) != 2 || !job.UsageKnown || job.Usage.Quantities[inference.VideoSecond] != 8 {
		t.Errorf("got %+v", job)
	}
	resp, err := s.Fetch(t.Context(), job.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	film, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.Header.Get("Content-Type") != "video/mp4" || !bytes.Contains(film[:64], []byte("ftypisom")) || !bytes.Contains(film, []byte("avcC")) {
		t.Errorf("%d bytes, %v", len(film), err)
	}
}

// newStudioAt is another process at the same time: it has nothing of the first one's memory.
func newStudioAt(t *testing.T, s studio) studio {
	t.Helper()
	next := newStudio(t, nil)
	next.clock.Advance(s.clock.Now().Sub(next.clock.Now()))
	return next
}

func hasCategory(err error, k inference.Category) bool {
	var e *provider.Error
	return errors.As(err, &e) && e.Category == k
}

func TestOneKeyIsOneVideo(t *testing.T) {
	t.Parallel()
	book := newMemoryBook()
	var group sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		group.Go(func() {
			s := newStudio(t, book)
			s.clock.Advance(time.Duration(i) * time.Second)
			c := videos("", "")
			c.IdempotencyKey = "the-key"
			job, err := s.Submit(t.Context(), &c)
			if err != nil {
				t.Error(err)
			}
			ids[i] = job.ID
		})
	}
	group.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("one key started %s and %s", ids[0], id)
		}
	}
	if len(book.jobs) != 1 {
		t.Errorf("%d jobs", len(book.jobs))
	}
}

func TestALostAnswerIsFound(t *testing.T) {
	t.Parallel()
	for instructions, want := range map[string]inference.Category{"fault=cut": inference.Connect, "fault=malformed": inference.Protocol} {
		s := newStudio(t, newMemoryBook())
		c := videos("", instructions)
		c.IdempotencyKey = "key"
		if _, ok, err := s.Find(t.Context(), "key"); ok || err != nil {
			t.Errorf("found before it was submitted: %v", err)
		}
		if _, err := s.Submit(t.Context(), &c); !hasCategory(err, want) {
			t.Errorf("%s: %v", instructions, err)
		}
		job, ok, err := s.Find(t.Context(), "key")
		if !ok || err != nil {
			t.Fatalf("%s: not found: %v", instructions, err)
		}
		c.Header = nil
		if again, err := s.Submit(t.Context(), &c); err != nil || again.ID != job.ID {
			t.Errorf("%s: %+v, %v", instructions, again, err)
		}
	}
}

func TestVideosFailAsAsked(t *testing.T) {
	t.Parallel()
	for instructions, want := range map[string]provider.Job{
		"fault=fail":          {State: provider.JobFailed, Progress: 50, Failure: provider.Outcome{Category: inference.ServerError, Code: "video_generation_failed", Message: "Simulated failure of the job."}},
		"fault=fail;after=20": {State: provider.JobFailed, Progress: 20, Failure: provider.Outcome{Category: inference.ServerError, Code: "video_generation_failed", Message: "Simulated failure of the job."}},
		"fault=hang;after=30": {State: provider.JobRunning, Progress: 30},
	} {
		s := newStudio(t, nil)
		c := videos("", instructions)
		job, err := s.Submit(t.Context(), &c)
		if err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(time.Hour)
		got, err := s.Query(t.Context(), job.ID)
		if err != nil || got.State != want.State || got.Progress != want.Progress || got.Failure != want.Failure || len(got.Results) > 0 {
			t.Errorf("%s: %+v, %v", instructions, got, err)
		}
	}
	s := newStudio(t, nil)
	c := videos("", "fault=no_usage;ms=700")
	job, err := s.Submit(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(700 * time.Millisecond)
	if job, err = s.Query(t.Context(), job.ID); err != nil || job.State != provider.JobSucceeded || job.UsageKnown {
		t.Errorf("%+v, %v", job, err)
	}
}

func TestVideosAreCanceledForAllProcesses(t *testing.T) {
	t.Parallel()
	book := newMemoryBook()
	s := newStudio(t, book)
	c := videos("", "")
	job, err := s.Submit(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(time.Second)
	if err := s.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	other := newStudio(t, book)
	other.clock.Advance(time.Hour)
	got, err := other.Query(t.Context(), job.ID)
	if err != nil || got.State != provider.JobCanceled || got.Progress != 50 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := other.Fetch(t.Context(), job.ID, 0); !hasCategory(err, inference.NotFound) {
		t.Errorf("a video that was canceled: %v", err)
	}
}

func TestFilmSizes(t *testing.T) {
	t.Parallel()
	for f, want := range map[[3]string][2]int{
		{"", "", ""}: {640, 360}, {"", "720p", ""}: {1280, 720}, {"", "1080P", "9:16"}: {1080, 1920}, {"", "480p", "1:1"}: {480, 480},
		{"1280x720", "480p", ""}: {1280, 720}, {"", "8k", ""}: {}, {"33x32", "", ""}: {}, {"16x16", "", ""}: {}, {"4000x32", "", ""}: {},
	} {
		w, h, ok := filmSize(&wire.MediaFacts{Size: f[0], Resolution: f[1], AspectRatio: f[2]})
		if ok != (want[0] > 0) || ok && (w != want[0] || h != want[1] || !mp4.Fits(w, h)) {
			t.Errorf("%v: %dx%d, %v", f, w, h, ok)
		}
	}
}

func FuzzParseJob(f *testing.F) {
	j := job{created: time.UnixMilli(1_760_000_000_123), length: time.Second, width: 64, height: 48, seconds: 4, count: 2, hash: 7, fault: jobFails, at: 30, silent: true}
	f.Add(j.id())
	f.Add("simvideo_AA")
	f.Fuzz(func(t *testing.T, id string) {
		if j, ok := parseJob(id); ok && j.id() != id {
			t.Errorf("%q became %q", id, j.id())
		}
	})
}

func TestAssets(t *testing.T) {
	t.Parallel()
	for name := range assets {
		a, ok := StaticAsset(name)
		if got := http.DetectContentType(a.Body); !ok || len(a.Body) < 500 || got != a.ContentType && !strings.HasSuffix(name, ".svg") {
			t.Errorf("%s: %s, %d bytes that look like %s", name, a.ContentType, len(a.Body), got)
		}
	}
	if _, ok := StaticAsset("../image.png"); ok {
		t.Error("there is a file of that name")
	}
}
