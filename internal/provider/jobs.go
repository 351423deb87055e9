package provider

import (
	"context"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
)

// Submitter is an ability: the upstream runs calls of some kinds as jobs of its own, which are submitted, asked about and
// fetched. A job belongs to the account that it was submitted under: all methods must be called on an Upstream of the same
// account and credential. Errors are *Error; what Send knows as "no response came" is category connect, timeout or canceled
// there, and after such an error of Submit the upstream may or may not have the job (see Finder).
type Submitter interface {
	// Jobs tells whether calls of the kind are jobs. Those that are not are answered by Send.
	Jobs(k inference.Kind) bool
	// Submit starts a job. Job.ID is never empty where there is no error. c.Stream must be false.
	Submit(ctx context.Context, c *Call) (Job, error)
	// Query tells how a job goes. A job that the upstream does not know, or not any more, is an error of category not_found;
	// a job that failed is no error: see Job.Failure.
	Query(ctx context.Context, id string) (Job, error)
	// Fetch opens the n-th result of a job that succeeded, counted from 0, at the upstream, signed in where that is needed.
	// The response has status 200 and a body to be closed, and may be as long as the upstream wants: callers bound it.
	Fetch(ctx context.Context, id string, n int) (*http.Response, error)
	// Cancel asks for a job to be stopped; one that is at its end stays as it is, without error. Category not_found: there
	// is no such job, or the upstream cannot stop this one.
	Cancel(ctx context.Context, id string) error
}

// Finder is an ability: a submit whose answer was lost can be looked up by the key that it was made under.
type Finder interface {
	// Find returns the job that was submitted with Call.IdempotencyKey key; false: there is none, and there will be none.
	Find(ctx context.Context, key string) (Job, bool, error)
}

// JobState is where a job stands at its upstream.
type JobState string

// The states; the last three are final.
const (
	JobQueued    JobState = "queued"
	JobRunning   JobState = "running"
	JobSucceeded JobState = "succeeded"
	JobFailed    JobState = "failed"
	JobCanceled  JobState = "canceled"
)

// Final reports whether nothing can change any more.
func (s JobState) Final() bool { return s == JobSucceeded || s == JobFailed || s == JobCanceled }

// Job is what an upstream tells of a job.
type Job struct {
	// ID is the upstream's name of the job. It is opaque, and may be longer than the usual ids.
	ID    string
	State JobState
	// Progress is in percent, 0 to 100. Upstreams that tell none are 0 until the end and 100 then.
	Progress int
	// Results are there when the job succeeded; Fetch opens them.
	Results []JobResult
	// Usage is what the upstream says that the job consumed, once it is at its end; UsageKnown tells whether it did. Where it
	// did not, what was asked for is what was consumed.
	Usage      inference.Usage
	UsageKnown bool
	// Failure says why a job failed.
	Failure Outcome
	// PollAfter is how long the upstream wants to be left alone before it is asked again; zero when it does not say.
	PollAfter time.Duration
	// ExpiresAt is when the results are gone from the upstream; zero when it does not say.
	ExpiresAt time.Time
	// Raw is the upstream's answer as it came, JSON, for those who look into a task; it holds no credential.
	Raw []byte
}

// JobResult is one thing that a job made.
type JobResult struct {
	// URL is where the upstream offers it, for the record only: it may need the account's key, or name the account. It is
	// opened by Fetch, and never shown to callers. Empty where the upstream has none.
	URL string
	// ContentType is what the upstream says that it is, such as video/mp4; empty when it does not say.
	ContentType string
}
