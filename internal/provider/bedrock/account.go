package bedrock

import (
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
)

// headers are those that go out with every call. A header of Amazon's own would be signed, and could stand for something that
// the signature is to prove.
func headers(operators map[string]string) (http.Header, error) {
	for name := range operators {
		if strings.HasPrefix(http.CanonicalHeaderKey(name), "X-Amz-") {
			return nil, provider.FaultConfig("config.headers."+name, "This header cannot be set.")
		}
	}
	h := http.Header{"User-Agent": {"gantry"}}
	return h, provider.AddHeaders(h, operators)
}

// authorize takes the credential: an access key with its secret, or an API key of Bedrock's.
func (u *upstream) authorize(a provider.Account, region string) error {
	access, key := a.Credential["accessKey"], a.Credential["apiKey"]
	if access.IsZero() && !key.IsZero() {
		a.AuthType = authBearer // forms ask for all fields, and not for the way to sign in
	}
	switch a.AuthType {
	case authSigned, "":
		if err := required("accessKey", access, "/"); err != nil {
			return err
		}
		u.signer = &signer{
			accessKey: access.Reveal(), secretKey: a.Credential["secretKey"], session: a.Credential["sessionToken"],
			region: region, service: "bedrock",
		}
		u.key = u.signer.secretKey
		if !u.signer.session.IsZero() {
			if err := required("sessionToken", u.signer.session, ""); err != nil {
				return err
			}
		}
		return required("secretKey", u.key, "")
	case authBearer:
		u.key = key
		u.header["Authorization"] = []string{"Bearer " + u.key.Reveal()}
		return required("apiKey", u.key, "")
	}
	return provider.FaultConfig("authType", "The auth type must be sigv4 or bearer.")
}

// required checks a field that goes out in a header.
func required(field string, value secret.String, without string) error {
	if value.IsZero() || strings.ContainsAny(value.Reveal(), " \t"+without) || !provider.ValidHeader("X-Value", value.Reveal()) {
		return provider.FaultConfig("credentials."+field, "A value is required; it has no spaces or line breaks.")
	}
	return nil
}
