package console

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/surface/console/api"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

func defaultPreferences() api.Preferences {
	return api.Preferences{Locale: api.PreferencesLocaleZhCN, Theme: api.System, Density: api.Compact}
}

func (s *Surface) getPreferences(w http.ResponseWriter, call *httpx.Call) error {
	user, err := s.Identity.User(call.Context(), call.Principal.UserID)
	if err != nil {
		return err
	}
	p := defaultPreferences()
	if err := json.Unmarshal(user.Preferences, &p); err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, p)
}

func (s *Surface) putPreferences(w http.ResponseWriter, call *httpx.Call) error {
	var p api.Preferences
	if err := httpx.Decode(call.Request, &p); err != nil {
		return err
	}
	if err := checkPreferences(&p); err != nil {
		return err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if _, err := s.Identity.ChangePreferences(call.Context(), call.Actor(), text); err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, p)
}

// checkPreferences wants known words. The time zone is the browser's business: here it only has to look like one.
func checkPreferences(p *api.Preferences) error {
	const longestZone = 64
	oddInZone := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/_+-", r))
	}
	for _, c := range []struct {
		path string
		ok   bool
	}{
		{"locale", slices.Contains([]api.PreferencesLocale{api.PreferencesLocaleZhCN, api.PreferencesLocaleEn}, p.Locale)},
		{"theme", slices.Contains([]api.PreferencesTheme{api.Light, api.Dark, api.System}, p.Theme)},
		{"density", slices.Contains([]api.PreferencesDensity{api.Compact, api.Comfortable}, p.Density)},
		{"timeZone", len(p.TimeZone) <= longestZone && !strings.ContainsFunc(p.TimeZone, oddInZone)},
	} {
		if !c.ok {
			return fault.ErrInvalid.Saying("The value is not known.").At(c.path)
		}
	}
	return nil
}
