package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

const (
	videosPath = "/videos"
	// maxJob bounds what is read of an answer about a job.
	maxJob = 1 << 20
)

// Jobs says that videos are jobs.
func (u *upstream) Jobs(k inference.Kind) bool { return k == inference.VideoGenerations }

// Submit starts a video. The idempotency key goes out as Idempotency-Key, which OpenAI's own clients send with every try.
func (u *upstream) Submit(ctx context.Context, c *provider.Call) (provider.Job, error) {
	body, err := videoRequest(c)
	if err != nil {
		return provider.Job{}, err
	}
	req := u.template(http.MethodPost, videosPath, "application/json").WithContext(ctx)
	if c.Source != "" {
		if req, err = u.of(ctx, http.MethodPost, c.Source, "/remix"); err != nil {
			return provider.Job{}, err
		}
	}
	req.Header = maps.Clone(withCallers(req.Header, c.Header))
	if c.IdempotencyKey != "" {
		req.Header.Set("Idempotency-Key", c.IdempotencyKey)
	}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	return u.job(req)
}

// videoRequest writes the request in the upstream's own words; members that it shares with callers' stay as they are.
func videoRequest(c *provider.Call) ([]byte, error) {
	f, err := wire.PeekVideos(c.Body)
	if err == nil && f.N > 1 {
		err = &wire.RequestError{Message: "This upstream makes one video at a time: leave 'n' out.", Param: "n", Code: "invalid_value"}
	}
	if err != nil {
		return nil, &provider.Error{
			Outcome: provider.Outcome{Category: inference.InvalidRequest, Code: "invalid_value", Message: err.Error()}, Status: http.StatusBadRequest,
		}
	}
	if c.Source != "" {
		return append(jsondoc.AppendString([]byte(`{"prompt":`), f.Prompt), '}'), nil
	}
	body := f.Without(c.Body, "n", "seconds", "duration", "size", "resolution", "aspect_ratio", "audio", "images", "image", "image_url",
		"input_reference", "response_format", "stream", "runMode",
		wire.RemixedFrom)
	body = append(body[:len(body)-1], `,"seconds":"`...)
	body = append(strconv.AppendInt(body, f.Seconds, 10), '"')
	if size := videoSize(&f); size != "" {
		body = jsondoc.AppendString(append(body, `,"size":`...), size)
	}
	if len(f.Inputs) > 0 {
		body = f.Inputs[0].AppendJSON(append(body, `,"input_reference":`...))
	}
	return append(body, '}'), nil
}

// videoSize is the size, or the one that resolution and aspect ratio stand for; empty leaves it to the upstream.
func videoSize(f *wire.MediaFacts) string {
	if f.Size != "" {
		return f.Size
	}
	long, short := "1280", "720"
	switch strings.ToLower(f.Resolution) {
	case "":
		if f.AspectRatio == "" {
			return ""
		}
	case "1080p":
		long, short = "1792", "1024"
	}
	if f.AspectRatio == "9:16" {
		return short + "x" + long
	}
	return long + "x" + short
}

// videoJob is the upstream's answer about a job.
type videoJob struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Progress  int    `json:"progress"`
	Seconds   string `json:"seconds"`
	ExpiresAt int64  `json:"expires_at"`
	Error     *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

var jobStates = map[string]provider.JobState{
	"queued": provider.JobQueued, "in_progress": provider.JobRunning, "completed": provider.JobSucceeded, "failed": provider.JobFailed,
	"cancelled": provider.JobCanceled,
}

// job sends a request whose answer is about a job.
func (u *upstream) job(req *http.Request) (provider.Job, error) {
	body, err := u.ask(req)
	if err != nil {
		return provider.Job{}, err
	}
	var v videoJob
	if err := json.Unmarshal(body, &v); err != nil || v.ID == "" || jobStates[v.Status] == "" {
		return provider.Job{}, &provider.Error{Outcome: provider.Outcome{
			Category: inference.Protocol, Code: "upstream_bad_response", Message: "The answer is not about a job.",
		}, Status: http.StatusOK}
	}
	out := provider.Job{ID: v.ID, State: jobStates[v.Status], Progress: max(0, min(v.Progress, 100)), Raw: body}
	if v.ExpiresAt > 0 {
		out.ExpiresAt = time.Unix(v.ExpiresAt, 0)
	}
	switch out.State {
	case provider.JobSucceeded:
		out.Progress, out.Results = 100, []provider.JobResult{{ContentType: "video/mp4"}}
		if seconds, err := strconv.ParseInt(v.Seconds, 10, 32); err == nil && seconds > 0 {
			out.UsageKnown = true
			out.Usage.Quantities[inference.VideoSecond] = seconds
		}
	case provider.JobFailed:
		out.Failure = u.jobFailure(&v)
	case provider.JobQueued, provider.JobRunning, provider.JobCanceled:
	}
	return out, nil
}

func (u *upstream) jobFailure(v *videoJob) provider.Outcome {
	o := provider.Outcome{Category: inference.ServerError, Code: "video_generation_failed"}
	if v.Error == nil {
		return o
	}
	o.Code, o.Message = provider.CleanCode(v.Error.Code), provider.Scrub(v.Error.Message, u.key.Reveal(), u.base.Host)
	if k, known := names[strings.ToLower(v.Error.Code)]; known {
		o.Category = k
	}
	return o
}

// ask sends a request and returns the body of an answer that is a success.
func (u *upstream) ask(req *http.Request) ([]byte, error) {
	resp, err := u.do(req)
	if err != nil {
		return nil, provider.Unreached(req.Context())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxJob))
	if resp.StatusCode != http.StatusOK {
		return nil, &provider.Error{Outcome: u.Classify(resp, body), Status: resp.StatusCode}
	}
	if err != nil {
		return nil, provider.Unreached(req.Context())
	}
	return body, nil
}

// of is a request about a job; false when there can be no job of that id.
func (u *upstream) of(ctx context.Context, method, id, more string) (*http.Request, error) {
	if id == "" || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return nil, unknownVideo()
	}
	return u.template(method, videosPath+"/"+url.PathEscape(id)+more, "application/json").WithContext(ctx), nil
}

func unknownVideo() error {
	return &provider.Error{
		Outcome: provider.Outcome{Category: inference.NotFound, Code: "video_not_found", Message: "There is no such video."}, Status: http.StatusNotFound,
	}
}

// Query tells how a video goes.
func (u *upstream) Query(ctx context.Context, id string) (provider.Job, error) {
	req, err := u.of(ctx, http.MethodGet, id, "")
	if err != nil {
		return provider.Job{}, err
	}
	return u.job(req)
}

// Fetch opens the video of a job. The account's key is needed for that, so its address is nobody else's.
func (u *upstream) Fetch(ctx context.Context, id string, n int) (*http.Response, error) {
	req, err := u.of(ctx, http.MethodGet, id, "/content")
	if err != nil {
		return nil, err
	}
	if n != 0 {
		return nil, unknownVideo()
	}
	req.Header.Set("Accept", "video/mp4, application/octet-stream")
	resp, err := u.do(req)
	if err != nil {
		return nil, provider.Unreached(ctx)
	}
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxJob))
		_ = resp.Body.Close()
		return nil, &provider.Error{Outcome: u.Classify(resp, body), Status: resp.StatusCode}
	}
	return resp, nil
}

// Cancel deletes a job; OpenAI knows no other way to stop one. One that it will not let go of goes on.
func (u *upstream) Cancel(ctx context.Context, id string) error {
	req, err := u.of(ctx, http.MethodDelete, id, "")
	if err != nil {
		return err
	}
	_, err = u.ask(req)
	return err
}

var _ provider.Submitter = (*upstream)(nil)
