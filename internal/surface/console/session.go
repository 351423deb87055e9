package console

import (
	"encoding/json"
	"net/http"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

const (
	cookieName = "gantry_session"
	cookiePath = "/api/console/session"
)

// bootstrap tells what to show before anybody signs in.
func (s *Surface) bootstrap(w http.ResponseWriter, call *httpx.Call) error {
	needed, err := s.Identity.NeedsSetup(call.Context())
	if err != nil {
		return err
	}
	httpx.NoStore(w)
	return httpx.WriteJSON(w, http.StatusOK, api.Bootstrap{
		NeedsSetup: needed, Version: s.Version, IdentityMode: api.BootstrapIdentityMode(s.Identity.Mode()),
		RegistrationOpen: s.Identity.RegistrationOpen(), Simulation: s.Simulation, SignInProvider: s.providerTitle(),
	})
}

// setup makes the first administrator and signs in as them.
func (s *Surface) setup(w http.ResponseWriter, call *httpx.Call) error {
	var in api.SetupInput
	if err := s.decode(call, &in); err != nil {
		return err
	}
	user := identity.NewUser{
		Username: in.Username, Password: in.Password, DisplayName: in.DisplayName, Email: in.Email,
	}
	if in.Locale != "" {
		p := defaultPreferences()
		p.Locale = api.PreferencesLocale(in.Locale)
		if err := checkPreferences(&p); err != nil {
			return err
		}
		var err error
		if user.Preferences, err = json.Marshal(p); err != nil {
			return err
		}
	}
	signed, err := s.Identity.Setup(call.Context(), call.Client, in.Token, user)
	if err != nil {
		return err
	}
	return answerSignedIn(w, call, http.StatusCreated, signed, signed.SessionToken.Reveal())
}

// decode reads the body of a request that a page of another site must not make a browser send.
func (s *Surface) decode(call *httpx.Call, v any) error {
	if err := s.origin.Check(call.Request); err != nil {
		return httpx.ErrOrigin.Because(err)
	}
	return httpx.Decode(call.Request, v)
}

func (s *Surface) signIn(w http.ResponseWriter, call *httpx.Call) error {
	var in api.SessionInput
	if err := s.decode(call, &in); err != nil {
		return err
	}
	signed, err := s.Identity.Login(call.Context(), call.Client, in.Account, in.Password, identity.SessionConsole)
	if err != nil {
		return err
	}
	return answerSignedIn(w, call, http.StatusOK, signed, signed.SessionToken.Reveal())
}

// renew signs a fresh token for the session of the cookie.
func (s *Surface) renew(w http.ResponseWriter, call *httpx.Call) error {
	token := cookieOf(call)
	signed, err := s.Identity.Renew(call.Context(), token)
	if err != nil {
		return err
	}
	return answerSignedIn(w, call, http.StatusOK, signed, token)
}

func (s *Surface) signOut(w http.ResponseWriter, call *httpx.Call) error {
	if err := s.origin.Check(call.Request); err != nil {
		return httpx.ErrOrigin.Because(err)
	}
	if err := s.Identity.Logout(call.Context(), call.Client, cookieOf(call)); err != nil {
		return err
	}
	setCookie(w, call, "", -1)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func cookieOf(call *httpx.Call) string {
	c, err := call.Cookie(cookieName)
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie sets the session cookie; a negative age removes it. It lasts as long as the browser runs, and no longer than
// the session.
func setCookie(w http.ResponseWriter, call *httpx.Call, value string, age int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // over plain HTTP, as on a local machine, a secure cookie would not come back
		Name: cookieName, Value: value, Path: cookiePath, MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: httpx.Secure(call.Request),
	})
}

func answerSignedIn(w http.ResponseWriter, call *httpx.Call, status int, in identity.SignedIn, cookie string) error {
	setCookie(w, call, cookie, 0)
	httpx.NoStore(w)
	u := in.User
	out := api.AuthResponse{
		AccessToken: in.Token, ExpiresIn: int(in.ExpiresIn.Seconds()), TokenType: "Bearer",
		User: api.AuthUser{
			Sub: u.ID.String(), GatewayUserId: u.ID.String(), Username: u.Username, Role: identity.RoleNames(u.Roles),
			Source: u.Source, SsoId: u.ExternalID, TenantId: u.TenantID.String(), GatewayTenantId: u.TenantID.String(),
			TenantKey: in.Tenant.Key, UserGroupId: u.GroupID.String(), UserGroupKey: in.Group.Key,
		},
	}
	return httpx.WriteJSON(w, status, out)
}
