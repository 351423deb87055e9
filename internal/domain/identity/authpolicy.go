package identity

import (
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// masked stands for a secret that is not shown; given back it means that the secret stays.
const masked = "***"

const (
	minInvitation = 8
	maxInvitation = 128
)

// authRules are what authPolicy of a tenant and authProfile of a user say. The zero value allows everything.
type authRules struct {
	// PasswordLogin is false for who signs in elsewhere only.
	PasswordLogin *bool `json:"passwordLogin,omitempty"`
	// InvitationCode is masked in what is kept: a hash of it stands beside.
	InvitationCode string `json:"invitationCode,omitempty"`
}

// readAuthRules reads rules that stand at path. Code: invalid_parameter with the path of what is not known.
func readAuthRules(path string, raw json.RawMessage, known ...string) (r authRules, err error) {
	given, err := members(path, raw)
	if err != nil {
		return r, err
	}
	if err := refuseOthers(path, given, known...); err != nil {
		return r, err
	}
	for name, to := range map[string]any{"passwordLogin": &r.PasswordLogin, "invitationCode": &r.InvitationCode} {
		if v := given[name]; v != nil && json.Unmarshal(v, to) != nil {
			return r, fault.ErrInvalid.Saying("The value has the wrong type.").At(path + "." + name)
		}
	}
	return r, nil
}

// setAuthPolicy replaces a tenant's authPolicy {passwordLogin, invitationCode}; a masked code stays as it is.
func (v *Tenant) setAuthPolicy(raw json.RawMessage) error {
	const path = "authPolicy"
	rules, err := readAuthRules(path, raw, "passwordLogin", "invitationCode")
	if err != nil {
		return err
	}
	switch code := rules.InvitationCode; {
	case code == "":
		v.InvitationHash = nil
	case code == masked && len(v.InvitationHash) > 0:
	case len(code) < minInvitation || len(code) > maxInvitation:
		return fault.ErrInvalid.Saying("An invitation code has 8 to 128 bytes.").At(path + ".invitationCode")
	default:
		hash := secret.Hash(code)
		v.InvitationHash, rules.InvitationCode = hash[:], masked
	}
	v.AuthPolicy, err = json.Marshal(rules)
	return err
}

// setAuthProfile replaces a user's authProfile {passwordLogin}.
func (u *User) setAuthProfile(raw json.RawMessage) error {
	if _, err := readAuthRules("authProfile", raw, "passwordLogin"); err != nil {
		return err
	}
	u.AuthProfile = orEmpty(raw)
	return nil
}

// mayUsePassword reports whether neither the user nor the tenant is to sign in elsewhere. Rules were checked when they were
// set; such that cannot be read allow nothing.
func mayUsePassword(user *User, tenant *Tenant) bool {
	for _, raw := range []json.RawMessage{user.AuthProfile, tenant.AuthPolicy} {
		var rules authRules
		if !noPolicy(raw) && json.Unmarshal(raw, &rules) != nil {
			return false
		}
		if rules.PasswordLogin != nil && !*rules.PasswordLogin {
			return false
		}
	}
	return true
}
