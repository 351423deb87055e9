package simulation

import (
	"context"
	"errors"
	"image"
	"net/http"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/provider/simulation/draw"
	"github.com/gantry-ai/gantry/internal/provider/simulation/mp4"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

const (
	perVideoSecond  = 50 // tokens: at the pace of the platform they decide how long a job takes
	framesPerSecond = 8
	maxFilmSeconds  = 60
)

// Jobs says that videos are jobs.
func (e *engine) Jobs(k inference.Kind) bool { return k == inference.VideoGenerations }

// Submit starts a video. Faults come as for other calls; cut and malformed lose the answer, and the job goes on.
func (e *engine) Submit(ctx context.Context, c *provider.Call) (provider.Job, error) {
	p, refusal := parsePlan(c.Header.Get(header), e.pace)
	if refusal == nil {
		refusal = p.refuse(c.Attempt)
	}
	if refusal != nil {
		return provider.Job{}, e.refused(c, refusal)
	}
	wait := p.firstToken()
	if p.fault == faultHang && p.after == 0 {
		wait = forever
	}
	if err := pause(ctx, wait); err != nil {
		return provider.Job{}, ended(ctx)
	}
	j, refusal := e.newJob(c, p)
	if refusal != nil {
		return provider.Job{}, e.refused(c, refusal)
	}
	if err := e.remix(ctx, j, c.Source); err != nil {
		return provider.Job{}, err
	}
	id, err := e.claim(ctx, c.IdempotencyKey, j.id())
	if err != nil {
		return provider.Job{}, err
	}
	switch p.fault {
	case faultCut:
		return provider.Job{}, lost(inference.Connect, "upstream_unreachable", "Simulated loss of the answer; the job was submitted.")
	case faultMalformed:
		return provider.Job{}, lost(inference.Protocol, "upstream_bad_response", "Simulated answer that cannot be read; the job was submitted.")
	}
	return e.Query(ctx, id)
}

func lost(k inference.Category, code, message string) error {
	return &provider.Error{Outcome: provider.Outcome{Category: k, Code: code, Message: message}}
}

// ended is the error of a call whose context ended.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return lost(inference.Timeout, "upstream_timeout", "The upstream did not answer in time.")
	}
	return lost(inference.Canceled, "canceled", "The call was canceled.")
}

// refused turns an error answer into an error.
func (e *engine) refused(c *provider.Call, f *failure) error {
	r := f.response(c)
	body := wire.ErrorBody(f.status, "", f.code, f.param, f.message)
	return &provider.Error{Outcome: e.Classify(r, body), Status: f.status}
}

// newJob reads a request and makes the job that it asks for.
func (e *engine) newJob(c *provider.Call, p plan) (*job, *failure) {
	facts, err := wire.PeekVideos(c.Body)
	if err != nil {
		return nil, refusalOf(err)
	}
	if !is(facts.Model, videoModel) {
		return nil, unknownModel(facts.Model)
	}
	j := &job{
		created: e.now().Truncate(time.Millisecond), length: p.spend(perVideoSecond * int(facts.Seconds)), seconds: int(facts.Seconds),
		count: int(facts.N), hash: digestOf(facts.Model, facts.Prompt, facts.Seed, c.IdempotencyKey), silent: p.fault == faultNoUsage, at: min(p.after, 99),
	}
	if facts.Seed != "" {
		j.hash = digestOf(facts.Model, facts.Prompt, facts.Seed)
	}
	if p.ms > 0 && p.fault != faultSlow {
		j.length = time.Duration(p.ms) * time.Millisecond
	}
	var ok bool
	if j.width, j.height, ok = filmSize(&facts); !ok {
		return nil, bad("size", "invalid_value", "Invalid 'size': expected an even width x height from 32x32 to 1920x1080, or a 'resolution' of 480p, 720p or 1080p.")
	}
	if facts.Seconds > maxFilmSeconds {
		return nil, bad("seconds", "invalid_value", "Invalid 'seconds': this model makes videos of up to a minute.")
	}
	switch p.fault {
	case faultFail:
		j.fault = jobFails
	case faultHang:
		j.fault = jobHangs
	}
	return j, nil
}

// remix makes a job one that is made from another: as long and as large, with something of its look.
func (e *engine) remix(ctx context.Context, j *job, source string) error {
	if source == "" {
		return nil
	}
	from, now, err := e.find(ctx, source)
	if err != nil {
		return err
	}
	if now.State != provider.JobSucceeded {
		return unknownJob()
	}
	j.width, j.height, j.seconds, j.count = from.width, from.height, from.seconds, 1
	j.hash = from.hash ^ j.hash>>32
	return nil
}

// films are the usual sizes by resolution.
var films = map[string][2]int{"": {640, 360}, "480p": {854, 480}, "720p": {1280, 720}, "1080p": {1920, 1080}}

// filmSize reads a size, or a resolution with its sides by the aspect ratio.
func filmSize(f *wire.MediaFacts) (width, height int, ok bool) {
	if f.Size != "" {
		w, h, _ := strings.Cut(f.Size, "x")
		width, wideOK := number(w, mp4.MaxWidth)
		height, highOK := number(h, mp4.MaxHeight)
		return width, height, wideOK && highOK && mp4.Fits(width, height)
	}
	edges, ok := films[strings.ToLower(f.Resolution)]
	switch f.AspectRatio {
	case "9:16":
		return edges[1], edges[0], ok
	case "1:1":
		return edges[1], edges[1], ok
	}
	return edges[0], edges[1], ok
}

// find returns a job by its id, and how it stands.
func (e *engine) find(ctx context.Context, id string) (job, provider.Job, error) {
	j, ok := parseJob(id)
	if !ok {
		return j, provider.Job{}, unknownJob()
	}
	now := e.now()
	at, canceled, err := e.book.CanceledAt(ctx, id)
	if err != nil {
		return j, provider.Job{}, lost(inference.ServerError, "server_error", "The simulation cannot reach its memory.")
	}
	if canceled && at.Before(now) {
		now = at
	}
	out := j.show(id, now)
	if canceled && !out.State.Final() {
		out.State = provider.JobCanceled
	}
	return j, out, nil
}

func unknownJob() error {
	return &provider.Error{
		Outcome: provider.Outcome{Category: inference.NotFound, Code: "video_not_found", Message: "There is no such video."}, Status: http.StatusNotFound,
	}
}

// Query tells how a video goes.
func (e *engine) Query(ctx context.Context, id string) (provider.Job, error) {
	_, out, err := e.find(ctx, id)
	return out, err
}

// Cancel stops a video that is not done.
func (e *engine) Cancel(ctx context.Context, id string) error {
	_, out, err := e.find(ctx, id)
	if err != nil || out.State.Final() {
		return err
	}
	if err := e.book.Cancel(ctx, id, e.now()); err != nil {
		return lost(inference.ServerError, "server_error", "The simulation cannot reach its memory.")
	}
	return nil
}

// Fetch opens a video.
func (e *engine) Fetch(ctx context.Context, id string, n int) (*http.Response, error) {
	j, out, err := e.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= len(out.Results) {
		return nil, unknownJob()
	}
	film := filmOf(j.hash+uint64(n)*golden, j.width, j.height, j.seconds)
	r := respond(&provider.Call{RequestID: id}, http.StatusOK, film)
	r.Header.Set("Content-Type", "video/mp4")
	return r, nil
}

// filmOf makes the film of a seed.
func filmOf(seed uint64, width, height, seconds int) []byte {
	scene := draw.New(seed)
	return mp4.Encode(&mp4.Film{
		Width: width, Height: height, Rate: framesPerSecond, Frames: framesPerSecond * seconds,
		Paint: func(cols, rows, frame int) *image.Paletted {
			return scene.Paint(cols, rows, float64(frame)/framesPerSecond)
		},
	})
}

// claim makes a job the one that a key stands for, and returns that. Without a key every job is a new one.
func (e *engine) claim(ctx context.Context, key, id string) (string, error) {
	if key == "" {
		return id, nil
	}
	first, err := e.book.Claim(ctx, digestKey(key), id)
	if err != nil {
		return "", lost(inference.ServerError, "server_error", "The simulation cannot reach its memory.")
	}
	return first, nil
}

// Find returns the job that was submitted under a key.
func (e *engine) Find(ctx context.Context, key string) (provider.Job, bool, error) {
	id, ok, err := e.book.ByKey(ctx, digestKey(key))
	if err != nil {
		return provider.Job{}, false, lost(inference.ServerError, "server_error", "The simulation cannot reach its memory.")
	}
	if !ok {
		return provider.Job{}, false, nil
	}
	out, err := e.Query(ctx, id)
	return out, err == nil, err
}

var (
	_ provider.Submitter = (*engine)(nil)
	_ provider.Finder    = (*engine)(nil)
)
