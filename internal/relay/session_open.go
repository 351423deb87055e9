package relay

import (
	"errors"
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/socket"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// try opens a session at a target and, once the upstream has said something, holds it to its end.
func (s *session) try(t *Target) result {
	a := s.attempt(t)
	return s.tried(a, s.exchange(t, a))
}

func (s *session) exchange(t *Target, a *tasks.Attempt) provider.Outcome {
	opener, able := t.Upstream.(provider.SessionOpener)
	if !able {
		return provider.Outcome{Category: inference.NotFound, Code: "no_sessions", Message: "The upstream holds no sessions."}
	}
	d := s.patience(t)
	defer d.stop()
	call := &provider.Call{
		Kind: inference.Realtime, Stream: true, Model: t.Model.ProviderModelName, Header: s.headersFor(t), RequestID: s.requestID, Attempt: a.No,
	}
	var err error
	if s.up, err = opener.OpenSession(s.traced(&d.ctx), call); err != nil {
		return s.notOpened(d, a, err)
	}
	a.StatusCode = http.StatusSwitchingProtocols
	first, o := s.greeting(d)
	if o.Category != inference.OK {
		s.up.Close(socket.Away, "")
		return o
	}
	s.plan.alive(s.call)
	a.TTFT = s.now().Sub(a.StartedAt)
	if s.line, err = s.want.Accept(); err != nil {
		s.up.Close(socket.Normal, "")
		s.lost = true
		return callerLeft
	}
	d.stop()
	s.status, s.delivered = http.StatusSwitchingProtocols, true
	s.begin(stepDeliver)
	return s.converseWith(first)
}

// headersFor are the caller's headers that go out. Browsers cannot set headers, so what stands for one was made one before.
func (s *session) headersFor(t *Target) http.Header {
	if t.Simulated {
		out := http.Header{}
		for _, name := range [...]string{simulationHeader, "Openai-Beta"} {
			if v := s.want.Header.Get(name); v != "" {
				out.Set(name, v)
			}
		}
		return out
	}
	out := s.want.Header.Clone()
	out.Del(simulationHeader)
	return out
}

// notOpened says what became of an attempt whose upstream did not open a session.
func (s *session) notOpened(d *deadline, a *tasks.Attempt, err error) provider.Outcome {
	if refused, ok := errors.AsType[*provider.Error](err); ok {
		a.StatusCode = refused.Status
		return refused.Outcome
	}
	return s.broken(d, err, inference.Connect)
}

// greeting is the upstream's first event, after the session has been set up. An error in its place is the attempt's alone.
func (s *session) greeting(d *deadline) (first []byte, o provider.Outcome) {
	first, news, o := s.listen(d)
	if o.Category != inference.OK || len(s.want.SetUp) == 0 {
		return first, o
	}
	event := openai.RealtimeUpdate(s.want.SetUp)
	asked, err := openai.PeekRealtimeAsk(event)
	if err != nil {
		return nil, noAnswer // it was read before
	}
	if err := s.up.Write(&d.ctx, s.renamed(event, &asked.Session)); err != nil {
		return nil, s.broken(d, err, inference.Protocol)
	}
	for {
		event, news, o = s.listen(d)
		switch {
		case o.Category != inference.OK:
			return nil, o
		case news.Type == openai.RealtimeSessionUpdated:
			return openai.RealtimeRetype(event, &news, openai.RealtimeSessionCreated), ok
		}
	}
}

// listen reads an event before the session is the caller's.
func (s *session) listen(d *deadline) ([]byte, openai.RealtimeNews, provider.Outcome) {
	event, err := s.up.Read(&d.ctx)
	if err != nil {
		return nil, openai.RealtimeNews{}, s.broken(d, err, inference.Protocol)
	}
	news, err := openai.PeekRealtimeNews(event)
	switch {
	case err != nil:
		return nil, news, garbledStream
	case news.Type == openai.RealtimeTrouble:
		return nil, news, s.trouble(news.Error)
	}
	return event, news, ok
}

// trouble classifies an error that an upstream tells by an event, which has no status: one that says nothing else is the
// request's where it says so, and the server's otherwise.
func (s *session) trouble(object []byte) provider.Outcome {
	typ, _ := openai.RealtimeErrorText(object)
	status := http.StatusInternalServerError
	switch typ {
	case "invalid_request_error":
		status = http.StatusBadRequest
	case "rate_limit_error", "rate_limit_exceeded":
		status = http.StatusTooManyRequests
	case "authentication_error":
		status = http.StatusUnauthorized
	}
	return s.target.Upstream.Classify(&http.Response{StatusCode: status, Header: http.Header{}}, object)
}
