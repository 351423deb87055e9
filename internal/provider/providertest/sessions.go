package providertest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/socket"
)

// opensSessions opens every session, hears the upstream's first event, says something and hears what comes of it.
func (s *Suite) opensSessions(t *testing.T) {
	t.Helper()
	u, able := s.open(t).(provider.SessionOpener)
	if !s.offersSessions() {
		return // what an upstream is made of may be able to; what counts is what it offers
	}
	if !able || len(s.Sessions) == 0 {
		t.Fatal("sessions are offered but were not tried")
	}
	for i := range s.Sessions {
		line, err := u.OpenSession(t.Context(), &s.Sessions[i])
		if err != nil {
			t.Errorf("%s: %v", s.Sessions[i].Model, err)
			continue
		}
		if !eventIn(t, line) {
			t.Errorf("%s: no event came first", s.Sessions[i].Model)
		}
		if err := line.Write(t.Context(), []byte(`{"type":"what.is.not.known"}`)); err != nil || !eventIn(t, line) {
			t.Errorf("%s: no answer: %v", s.Sessions[i].Model, err)
		}
		line.Close(socket.Normal, "")
		if _, err := line.Read(t.Context()); err == nil {
			t.Errorf("%s: the session goes on after its end", s.Sessions[i].Model)
		}
	}
	s.refusesSessions(t, u)
}

func eventIn(t *testing.T, line socket.Line) bool {
	t.Helper()
	message, err := line.Read(t.Context())
	var event struct {
		Type string `json:"type"`
	}
	return err == nil && json.Unmarshal(message, &event) == nil && event.Type != ""
}

func (s *Suite) refusesSessions(t *testing.T, u provider.SessionOpener) {
	t.Helper()
	for i := range s.SessionFailures {
		f := &s.SessionFailures[i]
		_, err := u.OpenSession(t.Context(), &f.Call)
		var refused *provider.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		got := refused.Outcome
		for _, secret := range s.Secrets {
			if strings.Contains(got.Message+got.Code, secret) {
				t.Errorf("%s: the outcome shows a secret: %+v", f.Name, got)
			}
		}
		if got.Message = ""; got != f.Want || refused.Status < 400 {
			t.Errorf("%s: %d, %+v, want %+v", f.Name, refused.Status, got, f.Want)
		}
	}
}

func (s *Suite) offersSessions() bool {
	_, ok := s.Adapter.Describe().Dialects[inference.Realtime]
	return ok
}
