package bedrock

import (
	"encoding/hex"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// The credential and the time of the test suite that AWS publishes for Signature Version 4, and a token of its STS cases.
const (
	suiteAccess = "AKIDEXAMPLE"
	suiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	suiteToken  = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)

var suiteTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

// TestPublishedSignatures signs the requests of AWS's suite.
func TestPublishedSignatures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, path, query, body, token string
		header                                 http.Header
		signed, signature                      string
	}{
		{
			name: "get-vanilla", method: "GET", path: "/", signed: "host;x-amz-date",
			signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		},
		{
			name: "post-vanilla", method: "POST", path: "/", signed: "host;x-amz-date",
			signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
		},
		{
			name: "get-vanilla-query-order-key-case", method: "GET", path: "/", query: "Param2=value2&Param1=value1", signed: "host;x-amz-date",
			signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
		{
			name: "get-vanilla-empty-query-key", method: "GET", path: "/", query: "Param1=value1", signed: "host;x-amz-date",
			signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
		},
		{
			name: "get-unreserved", method: "GET", signed: "host;x-amz-date",
			path:      "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
			signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
		},
		{
			name: "get-utf8", method: "GET", path: "/ሴ", signed: "host;x-amz-date",
			signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
		},
		{
			name: "get-space", method: "GET", path: "/example space/", signed: "host;x-amz-date",
			signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
		},
		{
			name: "post-x-www-form-urlencoded", method: "POST", path: "/", body: "Param1=value1", signed: "content-type;host;x-amz-date",
			header:    http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
		},
		{
			name: "post-sts-header-before", method: "POST", path: "/", token: suiteToken, signed: "host;x-amz-date;x-amz-security-token",
			signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := signer{accessKey: suiteAccess, secretKey: secret.New(suiteSecret), session: secret.New(c.token), region: "us-east-1", service: "service"}
			r, err := http.NewRequestWithContext(t.Context(), c.method, "https://example.amazonaws.com/?"+c.query, nil)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(r.Header, c.header)
			s.sign(r, c.path, []byte(c.body), suiteTime)
			want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + c.signed +
				", Signature=" + c.signature
			if got := r.Header.Get("Authorization"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// TestPublishedKey derives the key of AWS's documentation.
func TestPublishedKey(t *testing.T) {
	t.Parallel()
	s := signer{secretKey: secret.New(suiteSecret), region: "us-east-1", service: "iam", day: "20150830"}
	if got := hex.EncodeToString(s.key()); got != "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9" {
		t.Errorf("got %s", got)
	}
}

// TestIdsOfModelsAreEncodedTwice: what is sent as %3A is signed as %253A.
func TestIdsOfModelsAreEncodedTwice(t *testing.T) {
	t.Parallel()
	sent := "/model/" + escape("anthropic.claude-v1:0", "") + "/converse"
	if sent != "/model/anthropic.claude-v1%3A0/converse" || canonicalPath(sent) != "/model/anthropic.claude-v1%253A0/converse" {
		t.Errorf("%s is signed as %s", sent, canonicalPath(sent))
	}
	if arn := escape("arn:aws:bedrock:us-east-1:1:inference-profile/us.x", ""); strings.ContainsAny(arn, ":/") {
		t.Errorf("an ARN becomes %s", arn)
	}
}
