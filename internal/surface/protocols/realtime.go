package protocols

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/socket"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

var talking = relay.Operation{Format: openai.Realtime, Scope: identity.ScopeRealtime}

// MaxRealtimeMessage bounds an event of a caller's. Source: the protocol, which allows 15 MiB of sound in one.
const MaxRealtimeMessage = 16 << 20

var (
	errNoCalls = fault.New(http.StatusNotFound, "realtime_calls_unsupported",
		"Sessions over WebRTC and SIP are not offered. Connect over WebSocket, at /v1/realtime.")
	errNoTranscription = fault.New(http.StatusBadRequest, "transcription_sessions_unsupported",
		"Sessions that only write down what they hear are not offered. Open a session with a model and set up its transcription.")
	errNoModel    = fault.ErrInvalid.Saying("Name the model: /v1/realtime?model=…").At("model")
	errOtherModel = fault.ErrInvalid.Saying("The key is for another model.").At("model")
)

// mountRealtime adds sessions over WebSocket and the keys that browsers open them with.
func (s *surface) mountRealtime(r chi.Router) {
	const base = "/v1/realtime"
	r.Get(base, s.realtime)
	r.Post(base+"/client_secrets", s.owned(identity.ScopeRealtime, s.createClientSecret))
	r.Post(base+"/sessions", s.owned(identity.ScopeRealtime, s.createRealtimeSession))
	unoffered := func(err error) http.HandlerFunc {
		return s.owned(identity.ScopeRealtime, func(http.ResponseWriter, *http.Request, *caller) error { return err })
	}
	r.Post(base+"/transcription_sessions", unoffered(errNoTranscription))
	r.Post(base+"/calls", unoffered(errNoCalls))
}

// What browsers offer as subprotocols, because they cannot set headers. Source: the provider sheet "openai", section 7.
const (
	subprotocol     = "realtime"
	subprotocolKey  = "openai-insecure-api-key."
	subprotocolBeta = "openai-beta.realtime-v1"
	betaHeader      = "Openai-Beta"
	betaRealtime    = "realtime=v1"
)

// knock is a request to open a session.
type knock struct {
	token string // as in the header Authorization
	use   *clientSecret
	note  identity.Ephemeral // of an ephemeral key
}

// realtime opens a session. Who may not, hears so before the connection is upgraded.
func (s *surface) realtime(w http.ResponseWriter, req *http.Request) {
	k, err := s.knock(req)
	if err == nil {
		_, err = s.admitted(req, k)
	}
	if err == nil {
		err = socket.Check(req)
	}
	var want relay.Session
	if err == nil {
		want, err = s.wanted(w, req, k)
	}
	if err != nil {
		s.refuseHandshake(w, req, err)
		return
	}
	s.Relay.ServeSession(w, req, talking, s.Caller(req), want)
}

// refuseHandshake says why there is no session, with what RFC 6455 and RFC 9110 want to be said.
func (s *surface) refuseHandshake(w http.ResponseWriter, req *http.Request, err error) {
	switch {
	case errors.Is(err, socket.ErrUpgrade):
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
	case errors.Is(err, socket.ErrVersion):
		w.Header().Set("Sec-Websocket-Version", "13")
	}
	s.refuse(w, req, err)
}

// knock reads the credential: from the header, or from the subprotocols. Of two it is anybody's guess which was checked
// elsewhere. Codes: unauthorized, invalid_api_key, key_expired.
func (s *surface) knock(req *http.Request) (k knock, err error) {
	shown := req.Header["Authorization"]
	for _, p := range socket.Subprotocols(req) {
		if key, ok := strings.CutPrefix(p, subprotocolKey); ok {
			shown = append(slices.Clip(shown), "Bearer "+key)
		}
	}
	if len(shown) != 1 {
		return k, identity.ErrCredentials
	}
	k.token = shown[0]
	bare := strings.TrimSpace(strings.TrimPrefix(k.token, "Bearer "))
	if !strings.HasPrefix(bare, identity.EphemeralPrefix) {
		return k, nil
	}
	if k.note, err = s.Ephemerals.Read(bare); err != nil {
		return k, err
	}
	k.use, err = readClientSecret(k.note.Use)
	return k, err
}

// holder tells who knocks.
func (s *surface) holder(ctx context.Context, k *knock) (*identity.Principal, error) {
	if k.use != nil {
		return s.Ephemerals.Holder(ctx, &k.note)
	}
	return s.Keys.Authenticate(ctx, k.token)
}

// admitted checks what is checked of every caller. Codes: as of who.
func (s *surface) admitted(req *http.Request, k knock) (*identity.Principal, error) {
	p, err := s.holder(req.Context(), &k)
	switch {
	case err != nil:
		return nil, err
	case !p.Scope.Has(talking.Scope):
		return nil, identity.ErrScope
	case !p.AllowsAddress(s.Caller(req).Address):
		return nil, identity.ErrAddress
	}
	return p, nil
}

// wanted is what the request asks for. Codes: invalid_parameter with the path, realtime_calls_unsupported,
// transcription_sessions_unsupported.
func (s *surface) wanted(w http.ResponseWriter, req *http.Request, k knock) (relay.Session, error) {
	q := req.URL.Query()
	out := relay.Session{
		Model: q.Get("model"), Simulation: q.Get("runMode") == "simulation", Header: http.Header{},
		Holder: func(ctx context.Context) (*identity.Principal, error) { return s.holder(ctx, &k) },
		Accept: func() (socket.Line, error) {
			return socket.Accept(w, req, socket.Accepting{
				Subprotocols: []string{subprotocol}, MaxMessage: MaxRealtimeMessage, Now: s.Now,
			})
		},
	}
	for _, name := range []string{betaHeader, "X-Simulation"} {
		if v := req.Header.Get(name); v != "" {
			out.Header.Set(name, v)
		}
	}
	for _, p := range socket.Subprotocols(req) {
		if p == subprotocolBeta {
			out.Header.Set(betaHeader, betaRealtime)
		}
	}
	if k.use != nil {
		if out.Model != "" && out.Model != k.use.Model {
			return out, errOtherModel
		}
		k.use.apply(&out)
	}
	switch {
	case q.Has("call_id"):
		return out, errNoCalls
	case q.Get("intent") == "transcription":
		return out, errNoTranscription
	case out.Model == "" || len(out.Model) > openai.MaxModelBytes:
		return out, errNoModel
	}
	return out, nil
}
