package httpx

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/kernel/event"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// Route is one operation of a surface. The tables of routes are what permissions are tested by.
type Route struct {
	Method      string
	Pattern     string
	OperationID string // as in the contract
	Access      Access
	Handler     Handler
}

// Handler answers a call or returns what went wrong, before it has written anything.
type Handler func(w http.ResponseWriter, call *Call) error

// Call is a request with who makes it.
type Call struct {
	*http.Request
	// Principal is nil on public routes.
	Principal *identity.Principal
	Client    identity.Client
}

// Actor is who makes the call, as the cause of changes.
func (c *Call) Actor() event.Actor { return c.Principal.Actor(c.Client) }

// Access says who may use a route. The zero value lets nobody in but holders of every scope.
type Access struct {
	public   bool
	noKeys   bool
	anyScope bool
	scope    identity.Scope
	roles    []identity.Role
	tenants  bool
	named    string
}

// Public lets everybody in.
func Public() Access { return Access{public: true} }

// Anyone lets everybody in who has valid credentials.
func Anyone() Access { return Access{anyScope: true} }

// Scoped lets in who has valid credentials; an API key needs the scope.
func Scoped(s identity.Scope) Access { return Access{scope: s} }

// Person lets in users, but no API keys. With roles, the user must have one of them and belong to the default tenant, which
// runs the platform: roles of other tenants reach what routes leave to them by InTenant.
func Person(roles ...identity.Role) Access { return Access{noKeys: true, roles: roles} }

// InTenant returns a copy that lets in holders of the roles of every tenant. The handler keeps them within theirs, by
// Principal.Realm. Source: decision 0017.
func (a Access) InTenant() Access { a.tenants = true; return a }

// Named returns a copy whose refusal names the capability that is missing.
func (a Access) Named(capability string) Access { a.named = capability; return a }

// IsPublic reports whether no credentials are needed.
func (a Access) IsPublic() bool { return a.public }

// Check decides. Codes: forbidden, insufficient_scope.
func (a Access) Check(p *identity.Principal) error {
	isKey := p.Source == identity.SourceAPIKey
	scope := a.scope
	if scope == 0 {
		scope = identity.ScopeAll
	}
	switch {
	case a.noKeys && isKey:
		return fault.ErrForbidden.Saying("API keys may not do this. Sign in as a user.")
	case isKey && !a.anyScope && !p.Scope.Has(scope):
		return identity.ErrScope
	case len(a.roles) > 0 && (!p.Has(a.roles...) || !(a.tenants || p.OfPlatform())):
		if a.named != "" {
			return fault.ErrForbidden.Saying("This needs the capability " + a.named + ".")
		}
		return fault.ErrForbidden
	}
	return nil
}

// Server turns routes into handlers.
type Server struct {
	// Authenticate tells who an Authorization header speaks for.
	Authenticate func(ctx context.Context, authorization string) (*identity.Principal, error)
	// Fail answers with a fault in the surface's envelope.
	Fail func(w http.ResponseWriter, req *http.Request, f *fault.Error)
	Log  *slog.Logger
}

// Mount adds routes to a router.
func (s *Server) Mount(r chi.Router, routes []Route) {
	for i := range routes {
		r.Method(routes[i].Method, routes[i].Pattern, s.handler(&routes[i]))
	}
}

func (s *Server) handler(route *Route) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		defer s.recover(w, req)
		call := &Call{Request: req, Client: Client(req)}
		err := s.admit(req.Context(), route, call)
		if err == nil {
			err = route.Handler(w, call)
		}
		if err != nil {
			s.Refuse(w, req, err)
		}
	}
}

func (s *Server) admit(ctx context.Context, route *Route, call *Call) error {
	if route.Access.public {
		return nil
	}
	headers := call.Header.Values("Authorization")
	if len(headers) != 1 {
		return identity.ErrCredentials // of several, which was checked elsewhere is anybody's guess
	}
	p, err := s.Authenticate(ctx, headers[0])
	if err != nil {
		return err
	}
	if !p.AllowsAddress(Address(call.Request)) {
		return identity.ErrAddress
	}
	call.Principal = p
	return route.Access.Check(p)
}

// Refuse answers with an error and logs the cause of one that is ours.
func (s *Server) Refuse(w http.ResponseWriter, req *http.Request, err error) {
	f := fault.From(err)
	if req.Context().Err() != nil {
		f = fault.ErrClientGone.Because(err)
	}
	if f.Status >= http.StatusInternalServerError {
		s.Log.ErrorContext(req.Context(), "request failed", "request_id", RequestID(req), "method", req.Method,
			"path", req.URL.Path, "error", f)
	}
	RetryAfter(w, f)
	s.Fail(w, req, f)
}

// recover answers for a handler that panicked, so that the client learns the request id.
func (s *Server) recover(w http.ResponseWriter, req *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares like this
		panic(v)
	}
	s.Log.ErrorContext(req.Context(), "handler panicked", "request_id", RequestID(req), "path", req.URL.Path, "panic", v,
		"stack", string(debug.Stack()))
	s.Fail(w, req, fault.ErrInternal)
}

// ErrOrigin refuses a request that a page of another site made a browser send.
var ErrOrigin = fault.New(http.StatusForbidden, "origin_forbidden", "Requests from other sites are not accepted.")

var methods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// Allow names the methods under which routes know the path of a request, as an answer that the method is not allowed has to.
func Allow(w http.ResponseWriter, req *http.Request, routes chi.Routes) {
	allowed := slices.DeleteFunc(slices.Clone(methods), func(m string) bool {
		return !routes.Match(chi.NewRouteContext(), m, req.URL.Path)
	})
	w.Header().Set("Allow", strings.Join(allowed, ", "))
}

// MethodNotAllowed answers a path that is known under other methods. A preflight from another site is refused: no route
// here may be called with a browser's credentials from elsewhere.
func (s *Server) MethodNotAllowed(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		Allow(w, req, routes)
		if req.Method == http.MethodOptions && req.Header.Get("Origin") != "" {
			s.Refuse(w, req, ErrOrigin)
			return
		}
		s.Refuse(w, req, fault.ErrBadMethod)
	}
}

// NotFound answers a path that there is not.
func (s *Server) NotFound(w http.ResponseWriter, req *http.Request) {
	s.Refuse(w, req, fault.ErrNotFound.Saying("There is no such operation."))
}
