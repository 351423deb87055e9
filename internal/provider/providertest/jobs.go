package providertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
)

// maxAsked is how often a job is asked about before it must be done.
const maxAsked = 20

// runsJobs submits every job and follows it to its results.
func (s *Suite) runsJobs(t *testing.T) {
	t.Helper()
	u, able := s.open(t).(provider.Submitter)
	tried := map[inference.Kind]bool{}
	for i := range s.Jobs {
		c := s.Jobs[i]
		if !able || !u.Jobs(c.Kind) {
			t.Errorf("%s is no job", c.Kind)
			continue
		}
		tried[c.Kind] = true
		before := bytes.Clone(c.Body)
		job, err := u.Submit(t.Context(), &c)
		if err != nil || job.ID == "" {
			t.Errorf("%s: %+v, %v", c.Kind, job, err)
			continue
		}
		if !bytes.Equal(before, c.Body) {
			t.Errorf("%s: the adapter changed the body, which all attempts share", c.Kind)
		}
		results := s.followsJob(t, u, job)
		s.remakesJob(t, u, c, job.ID)
		endsJob(t, u, job.ID, results)
	}
	for kind := range s.Adapter.Describe().Dialects {
		if able && u.Jobs(kind) && !tried[kind] {
			t.Errorf("%s is offered as a job but was not tried", kind)
		}
	}
	if able {
		s.knowsNoOtherJobs(t, u)
	}
}

// followsJob asks about a job until it is done, and returns how many results there are.
func (s *Suite) followsJob(t *testing.T, u provider.Submitter, job provider.Job) int {
	t.Helper()
	progress, id := 0, job.ID
	for range maxAsked {
		next, err := u.Query(t.Context(), id)
		if err != nil || next.ID != id || next.Progress < progress || next.Progress > 100 {
			t.Fatalf("after %d%%: %+v, %v", progress, next, err)
		}
		job, progress = next, next.Progress
		if job.State.Final() {
			break
		}
	}
	if job.State != provider.JobSucceeded || job.Progress != 100 || len(job.Results) == 0 {
		t.Fatalf("the job came to %+v", job)
	}
	s.leaks(t, string(job.Raw))
	for n := range job.Results {
		resp, err := u.Fetch(t.Context(), id, n)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("result %d: status %d, %d bytes, %v", n, resp.StatusCode, len(body), err)
		}
	}
	return len(job.Results)
}

func endsJob(t *testing.T, u provider.Submitter, id string, results int) {
	t.Helper()
	if _, err := u.Fetch(t.Context(), id, results); !is(err, inference.NotFound) {
		t.Errorf("a result that there is not: %v", err)
	}
	if err := u.Cancel(t.Context(), id); err != nil && !is(err, inference.NotFound) {
		t.Errorf("canceling what is done: %v", err)
	}
}

// remakesJob makes a job from one that is done, and none from one that there is not.
func (s *Suite) remakesJob(t *testing.T, u provider.Submitter, c provider.Call, done string) {
	t.Helper()
	c.Source = done
	if c.IdempotencyKey != "" {
		c.IdempotencyKey += "-again"
	}
	job, err := u.Submit(t.Context(), &c)
	if err != nil || job.ID == "" || job.ID == done {
		t.Errorf("%s made from %s: %+v, %v", c.Kind, done, job, err)
		return
	}
	endsJob(t, u, job.ID, s.followsJob(t, u, job))
	c.Source = "no-such-job"
	if c.IdempotencyKey != "" {
		c.IdempotencyKey += "-and-again"
	}
	if _, err := u.Submit(t.Context(), &c); !is(err, inference.NotFound) {
		t.Errorf("%s made from a job that there is not: %v", c.Kind, err)
	}
}

func (s *Suite) knowsNoOtherJobs(t *testing.T, u provider.Submitter) {
	t.Helper()
	if _, err := u.Query(t.Context(), "no-such-job"); !is(err, inference.NotFound) {
		t.Errorf("a job that there is not: %v", err)
	}
	if err := u.Cancel(t.Context(), "no-such-job"); !is(err, inference.NotFound) {
		t.Errorf("canceling a job that there is not: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := u.Submit(ctx, &s.Jobs[0]); !is(err, inference.Canceled) {
		t.Errorf("a submit on a context that has ended: %v", err)
	}
}

func is(err error, k inference.Category) bool {
	var e *provider.Error
	return errors.As(err, &e) && e.Category == k
}

func (s *Suite) classifiesJobs(t *testing.T) {
	t.Helper()
	for i := range s.JobFailures {
		f := &s.JobFailures[i]
		u, able := s.open(t).(provider.Submitter)
		if !able {
			t.Fatal("there are no jobs to fail")
		}
		_, err := u.Submit(t.Context(), &f.Call)
		var e *provider.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		got := e.Outcome
		s.leaks(t, got.Message)
		got.Message = ""
		if got != f.Want {
			t.Errorf("%s: %+v, want %+v", f.Name, got, f.Want)
		}
	}
}

// leaks reports secrets in a text that is kept or shown.
func (s *Suite) leaks(t *testing.T, text string) {
	t.Helper()
	for _, secret := range s.Secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows a secret", text)
		}
	}
}
