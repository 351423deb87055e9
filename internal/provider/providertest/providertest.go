// Package providertest is the suite that every adapter must pass: it calls the adapter as the relay does, against the
// adapter's own fake upstream, and checks what the contract promises.
package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/provider"
)

// Suite is what an adapter's test brings along.
type Suite struct {
	Adapter provider.Adapter
	// Account opens without error and reaches the fake.
	Account provider.Account
	// Bad are accounts that Open must refuse.
	Bad []BadAccount
	// Whole are calls whose answer is one JSON document with status 200, at least one for each operation.
	Whole []provider.Call
	// Raw are calls whose answer is whole and no JSON, such as sound.
	Raw []provider.Call
	// Streams are streamed calls that succeed; their bodies end with End.
	Streams []provider.Call
	End     string
	// Silent is a call that the fake never answers; Endless one whose stream begins but does not end.
	Silent  *provider.Call
	Endless *provider.Call
	// Failures are calls that the fake answers with an error.
	Failures []Failure
	// Secrets are texts that no outcome may show.
	Secrets []string
	// Models are some of the names that the upstream lists; empty when it cannot.
	Models []string
	// Jobs are calls that succeed as jobs, at least one for each operation that is one. The fake is done with them when they
	// have been asked about a few times.
	Jobs []provider.Call
	// JobFailures are submits that the fake answers with an error.
	JobFailures []Failure
	// Sessions are calls with which sessions can be opened, SessionFailures such that the fake refuses.
	Sessions        []provider.Call
	SessionFailures []Failure
}

// BadAccount is an account that must be refused.
type BadAccount struct {
	Name string
	// Spoil makes the good account bad.
	Spoil func(*provider.Account)
	// Path is the field that the refusal must name.
	Path string
}

// Failure is a call that fails.
type Failure struct {
	Name string
	Call provider.Call
	// Want is compared but for Message, of which only the secrets are checked. RetryAfter must be as given.
	Want provider.Outcome
}

// Run runs the suite.
func Run(t *testing.T, s *Suite) {
	t.Helper()
	t.Run("describes itself in both languages", func(t *testing.T) { t.Parallel(); describe(t, s.Adapter.Describe()) })
	t.Run("refuses bad accounts by field", func(t *testing.T) { t.Parallel(); s.refuses(t) })
	t.Run("answers whole", func(t *testing.T) { t.Parallel(); s.answersWhole(t) })
	t.Run("answers in streams", func(t *testing.T) { t.Parallel(); s.answersInStreams(t) })
	t.Run("serves calls at once", func(t *testing.T) { t.Parallel(); s.servesAtOnce(t) })
	t.Run("ends with its context", func(t *testing.T) { t.Parallel(); s.endsWithContext(t) })
	t.Run("classifies failures", func(t *testing.T) { t.Parallel(); s.classifies(t) })
	t.Run("lists models", func(t *testing.T) { t.Parallel(); s.listsModels(t) })
	t.Run("runs jobs", func(t *testing.T) { t.Parallel(); s.runsJobs(t) })
	t.Run("opens sessions", func(t *testing.T) { t.Parallel(); s.opensSessions(t) })
	t.Run("classifies failures of jobs", func(t *testing.T) { t.Parallel(); s.classifiesJobs(t) })
}

func (s *Suite) open(t *testing.T) provider.Upstream {
	t.Helper()
	u, err := s.Adapter.Open(s.Account)
	if err != nil {
		t.Fatalf("the good account is refused: %v", err)
	}
	return u
}

func (s *Suite) refuses(t *testing.T) {
	t.Helper()
	if d := s.Adapter.Describe(); d.DefaultBaseURL == "" && !d.Simulated {
		s.refusesToGuess(t)
	}
	for _, bad := range s.Bad {
		account := s.Account
		bad.Spoil(&account)
		_, err := s.Adapter.Open(account)
		var f *fault.Error
		if !errors.As(err, &f) || !errors.Is(err, provider.ErrConfig) || f.Path != bad.Path {
			t.Errorf("%s: got %v, want %s at %s", bad.Name, err, provider.ErrConfig.Code, bad.Path)
			continue
		}
		for _, secret := range s.Secrets {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the refusal shows a secret", bad.Name)
			}
		}
	}
}

// refusesToGuess checks that an adapter without a default address asks for one.
func (s *Suite) refusesToGuess(t *testing.T) {
	t.Helper()
	account := s.Account
	account.BaseURL = ""
	var f *fault.Error
	if _, err := s.Adapter.Open(account); !errors.As(err, &f) || f.Path != "baseUrl" {
		t.Errorf("without an address: got %v, want a refusal at baseUrl", err)
	}
}

func (s *Suite) answersWhole(t *testing.T) {
	t.Helper()
	u, served := s.open(t), map[inference.Kind]bool{}
	for i, c := range slices.Concat(s.Whole, s.Raw) {
		served[c.Kind] = true
		before := bytes.Clone(c.Body)
		got := send(t, u, &c)
		if got.status != http.StatusOK || len(got.body) == 0 || json.Valid(got.body) != (i < len(s.Whole)) {
			t.Errorf("%s: status %d, %.200q", c.Kind, got.status, got.body)
		}
		if !bytes.Equal(before, c.Body) {
			t.Errorf("%s: the adapter changed the body, which all attempts share", c.Kind)
		}
	}
	for kind := range s.Adapter.Describe().Dialects {
		if j, ok := u.(provider.Submitter); ok && j.Jobs(kind) || kind == inference.Realtime {
			continue
		}
		if !served[kind] {
			t.Errorf("%s is offered but was not tried", kind)
		}
	}
}

// answer is a response that was read and closed.
type answer struct {
	*http.Response

	status int
	body   []byte
}

func send(t *testing.T, u provider.Upstream, c *provider.Call) answer {
	t.Helper()
	resp, err := u.Send(t.Context(), c)
	if err != nil {
		t.Fatalf("%s: %v", c.Model, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", c.Model, err)
	}
	return answer{resp, resp.StatusCode, body}
}

func (s *Suite) answersInStreams(t *testing.T) {
	t.Helper()
	u := s.open(t)
	for i := range s.Streams {
		c := s.Streams[i]
		got := send(t, u, &c)
		if got.status != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/event-stream") {
			t.Errorf("%s: status %d, type %s", c.Kind, got.status, got.Header.Get("Content-Type"))
		}
		if !strings.HasSuffix(string(got.body), s.End) {
			t.Errorf("%s: the stream ends with %q", c.Kind, got.body[max(0, len(got.body)-80):])
		}
	}
}

// servesAtOnce sends the calls from many goroutines over one opened account; the race detector does the checking.
func (s *Suite) servesAtOnce(t *testing.T) {
	t.Helper()
	u := s.open(t)
	var group sync.WaitGroup
	for range 8 {
		for i := range s.Whole {
			group.Go(func() {
				resp, err := u.Send(t.Context(), &s.Whole[i])
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			})
		}
	}
	group.Wait()
}

var errGone = errors.New("the caller left")

func (s *Suite) endsWithContext(t *testing.T) {
	t.Helper()
	u := s.open(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errGone)
	if err := failure(ctx, u, &s.Whole[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("a call on a context that has ended: %v", err)
	}
	if s.Silent != nil {
		s.leavesBeforeTheAnswer(t, u)
	}
	if s.Endless != nil {
		s.leavesInTheStream(t, u)
	}
}

// failure is the error of a call that gets no answer.
func failure(ctx context.Context, u provider.Upstream, c *provider.Call) error {
	resp, err := u.Send(ctx, c)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

func (s *Suite) leavesBeforeTheAnswer(t *testing.T, u provider.Upstream) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	failed := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		close(begun)
		failed <- failure(ctx, u, s.Silent)
	}()
	<-begun
	cancel(errGone)
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("leaving before the answer: %v", err)
	}
}

func (s *Suite) leavesInTheStream(t *testing.T, u provider.Upstream) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	resp, err := u.Send(ctx, s.Endless)
	if err != nil {
		t.Fatalf("the endless stream: %v", err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil {
		t.Errorf("the endless stream has no first byte: %v", err)
	}
	cancel(errGone)
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the stream ended as if it were complete")
	}
}

func (s *Suite) classifies(t *testing.T) {
	t.Helper()
	u := s.open(t)
	for i := range s.Failures {
		f := &s.Failures[i]
		reply := send(t, u, &f.Call)
		if reply.status == http.StatusOK {
			t.Errorf("%s: status 200", f.Name)
			continue
		}
		got := u.Classify(reply.Response, reply.body)
		for _, secret := range s.Secrets {
			if strings.Contains(got.Message+got.Code, secret) {
				t.Errorf("%s: the outcome shows a secret: %+v", f.Name, got)
			}
		}
		if strings.Contains(got.Message, "://") {
			t.Errorf("%s: the outcome shows an address: %q", f.Name, got.Message)
		}
		got.Message = ""
		if got != f.Want {
			t.Errorf("%s: got %+v, want %+v", f.Name, got, f.Want)
		}
	}
}

func (s *Suite) listsModels(t *testing.T) {
	t.Helper()
	lister, can := s.open(t).(provider.ModelLister)
	if len(s.Models) == 0 {
		return // whether an adapter can list is its own choice
	}
	if !can {
		t.Fatal("the upstream cannot list models")
	}
	got, err := lister.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range s.Models {
		if !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("%s is missing in %v", want, got)
		}
	}
}
