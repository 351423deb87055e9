package protocols

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// How long an ephemeral key lasts, in seconds. Source: the provider sheet "openai", section 7.
const (
	leastSecretLife = 10
	usualSecretLife = 600
	mostSecretLife  = 7200
)

// maxSessionConfig bounds what a session is set up with by its key: the key holds it, and keys travel in headers.
const maxSessionConfig = 12 << 10

var (
	errSecretLife = fault.ErrInvalid.Saying("A key lasts between 10 and 7200 seconds.").At("expires_after.seconds")
	errAnchor     = fault.ErrInvalid.Saying("The lifetime counts from 'created_at'.").At("expires_after.anchor")
	errConfigSize = fault.New(http.StatusRequestEntityTooLarge, "session_too_large",
		"The session's description is too large to travel with its key. Send the rest of it with session.update.").At("session")
	errConfigType = fault.ErrInvalid.Saying("Only sessions of the type 'realtime' are offered.").At("session.type")
	errNamelessly = fault.ErrInvalid.Saying("Name the session's model.").At("session.model")
)

// clientSecret is what an ephemeral key for a session is for.
type clientSecret struct {
	Model string `json:"m"`
	// Session describes the session; empty: as the upstream makes it.
	Session json.RawMessage `json:"s,omitempty"`
	// Beta says that it does so in the words of the protocol's beta.
	Beta bool `json:"b,omitempty"`
}

func readClientSecret(use []byte) (*clientSecret, error) {
	c := &clientSecret{}
	if err := json.Unmarshal(use, c); err != nil {
		return nil, fault.ErrInternal.Because(err) // we wrote it
	}
	return c, nil
}

// apply makes a session what the key is for.
func (c *clientSecret) apply(s *relay.Session) {
	s.Model, s.SetUp = c.Model, c.Session
	if c.Beta {
		s.Header.Set(betaHeader, betaRealtime)
	}
}

// members are those of a session's description.
type members map[string]json.RawMessage

// createClientSecret makes a key with which a session can be opened as it is described.
func (s *surface) createClientSecret(w http.ResponseWriter, req *http.Request, who *caller) error {
	var body struct {
		ExpiresAfter *struct {
			Anchor  *string `json:"anchor"`
			Seconds *int64  `json:"seconds"`
		} `json:"expires_after"`
		Session members `json:"session"`
	}
	if err := httpx.Decode(req, &body); err != nil {
		return err
	}
	life := int64(usualSecretLife)
	if e := body.ExpiresAfter; e != nil {
		if e.Anchor != nil && *e.Anchor != "created_at" {
			return errAnchor
		}
		if e.Seconds != nil {
			life = *e.Seconds
		}
	}
	if life < leastSecretLife || life > mostSecretLife {
		return errSecretLife
	}
	key, err := s.newSecret(req, who, body.Session, false, time.Duration(life)*time.Second)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusOK, map[string]any{"value": key.value, "expires_at": key.expires, "session": key.session})
}

// createRealtimeSession is createClientSecret in the words of the protocol's beta.
func (s *surface) createRealtimeSession(w http.ResponseWriter, req *http.Request, who *caller) error {
	session := members{}
	if err := httpx.Decode(req, &session); err != nil {
		return err
	}
	key, err := s.newSecret(req, who, session, true, usualSecretLife*time.Second)
	if err != nil {
		return err
	}
	out := map[string]any{"client_secret": map[string]any{"value": key.value, "expires_at": key.expires}}
	for name, v := range key.session {
		out[name] = v
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusOK, out)
}

// madeSecret is a key that was made.
type madeSecret struct {
	value   string
	expires int64
	session members
}

// newSecret makes a key for a session that its caller may open. Codes: invalid_parameter with the path, session_too_large,
// model_not_found.
func (s *surface) newSecret(req *http.Request, who *caller, session members, beta bool, life time.Duration) (madeSecret, error) {
	described, err := json.Marshal(session)
	if err != nil {
		return madeSecret{}, fault.ErrInternal.Because(err)
	}
	if session == nil {
		described = []byte("{}")
	}
	facts, err := openai.PeekRealtimeSession(described)
	if err != nil {
		return madeSecret{}, err
	}
	switch {
	case facts.Type != "" && facts.Type != "realtime":
		return madeSecret{}, errConfigType
	case facts.Model == "":
		return madeSecret{}, errNamelessly
	case len(described) > maxSessionConfig:
		return madeSecret{}, errConfigSize
	}
	if err := s.Relay.MayTalk(s.Relay.Asker(who.Principal, s.Caller(req).Address), facts.Model); err != nil {
		return madeSecret{}, err
	}
	use, err := json.Marshal(clientSecret{Model: facts.Model, Session: setUpOf(session, beta), Beta: beta})
	if err != nil {
		return madeSecret{}, fault.ErrInternal.Because(err)
	}
	key, expires, err := s.Ephemerals.Make(who.Principal, life, use)
	if err != nil {
		return madeSecret{}, fault.ErrInternal.Because(err)
	}
	shown := maps.Clone(session)
	for name, v := range map[string]string{"id": "sess_" + id.New().String(), "object": "realtime.session", "type": "realtime"} {
		if shown[name] == nil {
			shown[name] = quoted(v)
		}
	}
	return madeSecret{key.Reveal(), expires.Unix(), shown}, nil
}

// setUpOf is the description that the upstream is sent; nil where it says nothing but the model.
func setUpOf(session members, beta bool) json.RawMessage {
	out := maps.Clone(session)
	delete(out, "model")
	delete(out, "type")
	if len(out) == 0 {
		return nil
	}
	if !beta {
		out["type"] = quoted("realtime")
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil // it was written before
	}
	return text
}

func quoted(s string) json.RawMessage { return jsondoc.AppendString(nil, s) }
