package relay

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/wire"
)

const (
	// maxMade bounds one thing that a job made.
	maxMade = 512 << 20
	// fetchTimeout bounds getting it, fetchTries how often that is tried.
	fetchTimeout = 5 * time.Minute
	fetchTries   = 3
)

// made is the result of a task whose upstream ran a job.
type made struct {
	ID      string      `json:"id"`
	Object  string      `json:"object"`
	Created int64       `json:"created_at"`
	Model   string      `json:"model"`
	Status  string      `json:"status"`
	Seconds int64       `json:"seconds,omitempty"`
	Data    []madeThing `json:"data"`
}

type madeThing struct {
	URL         string `json:"url"`
	ContentType string `json:"content_type,omitempty"`
}

// errTooMuch says that a job made something larger than anybody wants.
var errTooMuch = errors.New("relay: the upstream's result is too large")

// deliver takes over what the job made, settles it, and leaves the result in the task. What was not made is not charged.
func (f *following) deliver() provider.Outcome {
	c, a := f.call, f.attempt
	out := made{
		ID: c.taskID.String(), Object: "video", Created: c.accepted.Unix(), Model: c.ask.Model, Status: "completed", Data: []madeThing{},
	}
	for n := range f.job.Results {
		thing, err := f.keep(n)
		if err != nil {
			c.log.Error("result of a job not kept", "request_id", c.requestID, "task", c.taskID, "error", err)
			return provider.Outcome{Category: inference.Protocol, Code: "upstream_bad_response", Message: "The upstream's result could not be fetched."}
		}
		out.Data = append(out.Data, thing)
	}
	m := f.metered()
	out.Seconds = m.Usage.Quantities[inference.VideoSecond]
	c.note(a, ok)
	a.Verdict = verdictServed
	c.status = http.StatusOK
	c.keepSource(f.job.ID)
	c.owed, _ = json.Marshal(out) //nolint:errchkjson // texts and numbers
	if err := c.settle(served(m), m).wait(); err != nil {
		c.fail(err)
	}
	c.delivered = true
	return ok
}

// metered is what the job consumed: the upstream's own figures, or else what was asked for, as far as it was made.
func (f *following) metered() wire.Metered {
	if f.job.UsageKnown {
		return wire.Metered{Usage: f.job.Usage, Known: true}
	}
	m := wire.Metered{Known: true}
	askedUnits(f.op.Format.Kind(), &f.ask, &m.Usage)
	if asked, made := max(1, f.ask.Choices), int64(len(f.job.Results)); made < asked {
		for r := range m.Usage.Quantities {
			m.Usage.Quantities[r] = m.Usage.Quantities[r] / asked * made
		}
	}
	return m
}

// keep copies the n-th result to our own storage.
func (f *following) keep(n int) (thing madeThing, err error) {
	if f.media == nil {
		return thing, errMedia
	}
	thing.ContentType = f.job.Results[n].ContentType
	for range fetchTries {
		var content []byte
		if content, err = f.fetch(n); err != nil {
			continue
		}
		thing.URL, err = f.media.Keep(f.call.job.ctx, &MediaFile{
			TenantID: f.principal.TenantID, UserID: f.principal.UserID, TaskID: f.taskID, Content: content, Origin: f.origin(),
			Simulated: f.target.Simulated,
		})
		if err == nil {
			return thing, nil
		}
	}
	return thing, err
}

func (f *following) fetch(n int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(f.call.job.ctx, fetchTimeout)
	defer cancel()
	resp, err := f.s.Fetch(ctx, f.job.ID, n)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxMade+1))
	if err == nil && len(content) > maxMade {
		err = errTooMuch
	}
	return content, err
}
