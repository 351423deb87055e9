package arch

// databases are the ways to a database.
var databases = []string{
	"database/sql", "github.com/uptrace/bun/...", "github.com/jackc/pgx/...", "modernc.org/sqlite/...",
	"github.com/pressly/goose/...", "github.com/riverqueue/...",
}

// outside is what pure packages leave alone.
var outside = []string{"net/http", "database/sql", "os", "os/exec"}

// libraries are the modules that domains may use: arithmetic and cryptography, nothing that does I/O.
var libraries = []string{
	"cel.dev/cel-go/...", "golang.org/x/crypto/...", "golang.org/x/sync/...", "github.com/golang-jwt/jwt/v5",
	"github.com/pquerna/otp/...", "github.com/tiktoken-go/tokenizer/...",
}

// Rules is the house of docs/architecture.md. The edges between domains follow below it.
var Rules = []Rule{
	{
		Reason: "the kernel is what everything stands on, so it stands on the standard library alone",
		In:     []string{"internal/kernel/..."},
		Only:   []string{"std", "internal/kernel/..."},
		Plant:  "internal/kernel/money github.com/govalues/decimal",
	},
	{
		Reason:  "pure packages do no I/O, which is why they can be tested exactly and reused anywhere",
		In:      []string{"internal/kernel/...", "internal/inference/...", "internal/domain/...", "internal/wire/..."},
		Never:   outside,
		Through: true,
		Plant:   "internal/domain/wallet net/http",
	},
	{
		Reason: "inference is the shared vocabulary of models; it knows the kernel alone",
		In:     []string{"internal/inference/..."},
		Only:   []string{"std", "internal/kernel/...", "internal/inference/..."},
		Plant:  "internal/inference internal/domain/catalog",
	},
	{
		Reason: "domains state the rules of the business: no HTTP, no SQL, no vendor, and few libraries",
		In:     []string{"internal/domain/..."},
		Only:   append([]string{"std", "internal/kernel/...", "internal/inference/...", "internal/domain/..."}, libraries...),
		Plant:  "internal/domain/tasks internal/store",
	},
	{
		Reason: "wire knows foreign formats and nothing of who speaks them or why",
		In:     []string{"internal/wire/..."},
		Only: []string{
			"std", "internal/kernel/...", "internal/inference/...", "internal/wire/...",
			"github.com/tidwall/gjson", "github.com/coder/websocket", "github.com/tiktoken-go/tokenizer/...",
		},
		Plant: "internal/wire/openai internal/provider",
	},
	{
		Reason: "an adapter knows its contract and its upstream, never callers, routes, prices or wallets",
		In:     []string{"internal/provider/..."},
		Never: []string{
			"internal/domain/...", "internal/relay/...", "internal/store/...", "internal/surface/...", "internal/journal/...",
			"internal/jobs/...", "internal/payment/...", "internal/app/...", "internal/config/...", "internal/cli/...",
		},
		Plant: "internal/provider/openai internal/domain/pricing",
	},
	{
		Reason: "names of vendors stay with the adapters: others see the contract, and app sees provider/all",
		In:     []string{"internal/...", "cmd/..."},
		Except: []string{"internal/provider/...", "internal/app/..."},
		Never:  []string{"internal/provider/*/..."},
		Plant:  "internal/relay internal/provider/anthropic",
	},
	{
		Reason: "a payment channel knows its contract and its channel",
		In:     []string{"internal/payment/..."},
		Never: []string{
			"internal/relay/...", "internal/store/...", "internal/surface/...", "internal/journal/...", "internal/jobs/...",
			"internal/provider/...", "internal/app/...", "internal/config/...", "internal/cli/...",
		},
		Plant: "internal/payment/stripe internal/store",
	},
	{
		Reason: "the hot path touches no database and renders no envelope",
		In:     []string{"internal/relay/..."},
		Never: []string{
			"internal/store/...", "internal/surface/...", "internal/jobs/...", "internal/payment/...",
			"internal/app/...", "internal/config/...", "internal/cli/...",
		},
		Plant: "internal/relay internal/store",
	},
	{
		Reason: "the journal appends what happened; who made it happen and where it ends up is not its business",
		In:     []string{"internal/journal/..."},
		Never: []string{
			"internal/relay/...", "internal/store/...", "internal/surface/...", "internal/provider/...", "internal/jobs/...",
			"internal/payment/...", "internal/app/...", "internal/config/...", "internal/cli/...",
		},
		Plant: "internal/journal internal/relay",
	},
	{
		Reason: "the server of callers knows HTTP alone",
		In:     []string{"internal/http1/..."},
		Only:   []string{"std", "internal/kernel/...", "internal/http1/..."},
		Plant:  "internal/http1 internal/relay",
	},
	{
		Reason: "leases are between wallets and an authority; where it keeps them and who calls is not their business",
		In:     []string{"internal/lease/..."},
		Only:   []string{"std", "internal/kernel/...", "internal/domain/wallet", "internal/journal", "internal/lease/..."},
		Plant:  "internal/lease internal/store",
	},
	{
		Reason: "files are kept without knowing who made them, who reads them or where their rows are",
		In:     []string{"internal/blob"},
		Only:   []string{"std", "internal/kernel/...", "github.com/minio/minio-go/...", "code.dny.dev/ssrf"},
		Plant:  "internal/blob internal/store",
	},
	{
		Reason: "store does what domains, journal and lease ask for; it knows nobody above them",
		In:     []string{"internal/store/..."},
		Never: []string{
			"internal/relay/...", "internal/surface/...", "internal/provider/...", "internal/payment/...",
			"internal/app/...", "internal/config/...", "internal/cli/...",
		},
		Plant: "internal/store internal/relay",
	},
	{
		Reason: "surfaces translate to core calls; they hold no rule, so they reach no table",
		In:     []string{"internal/surface/..."},
		Never:  []string{"internal/store/...", "internal/app/...", "internal/config/...", "internal/cli/..."},
		Plant:  "internal/surface/gateway internal/store",
	},
	{
		Reason: "SQL lives in store and jobs, so that both databases run one suite",
		In:     []string{"internal/...", "cmd/...", "web/..."},
		Except: []string{"internal/store/...", "internal/jobs/..."},
		Never:  databases,
		Plant:  "internal/app github.com/uptrace/bun",
	},
	{
		Reason: "Redis carries counts that may be lost, never money: limitredis alone speaks to it",
		In:     []string{"internal/...", "cmd/...", "web/..."},
		Except: []string{"internal/limitredis/..."},
		Never:  []string{"github.com/redis/..."},
		Plant:  "internal/store github.com/redis/go-redis/v9",
	},
	{
		Reason: "the relay tells its story in words of its own: tracing alone turns it into OpenTelemetry's",
		In:     []string{"internal/...", "cmd/...", "web/..."},
		Except: []string{"internal/tracing/..."},
		Never:  []string{"go.opentelemetry.io/..."},
		Plant:  "internal/relay go.opentelemetry.io/otel/trace",
	},
	{
		Reason: "identity knows persons, not protocols: idp alone speaks OpenID Connect",
		In:     []string{"internal/...", "cmd/...", "web/..."},
		Except: []string{"internal/idp/..."},
		Never:  []string{"github.com/coreos/go-oidc/..."},
		Plant:  "internal/surface/console github.com/coreos/go-oidc/v3/oidc",
	},
	{
		Reason: "an identity provider vouches for persons; what they may do is identity's to say",
		In:     []string{"internal/idp/..."},
		Only: []string{
			"std", "internal/kernel/...", "internal/domain/identity", "github.com/coreos/go-oidc/...", "golang.org/x/oauth2",
		},
		Plant: "internal/idp internal/store",
	},
	{
		Reason: "only the program starts app",
		In:     []string{"internal/...", "web/..."},
		Except: []string{"internal/app/..."},
		Never:  []string{"internal/app/..."},
		Plant:  "internal/jobs internal/app",
	},
	{
		Reason: "the command line is handed what it starts",
		In:     []string{"internal/cli/..."},
		Only:   []string{"std", "internal/cli/...", "internal/config/...", "internal/kernel/...", "github.com/alecthomas/kong"},
		Plant:  "internal/cli internal/store",
	},
	{
		Reason: "settings are plain values; whoever needs one is handed it",
		In:     []string{"internal/config/..."},
		Only:   []string{"std", "internal/kernel/...", "github.com/knadh/koanf/..."},
		Plant:  "internal/config internal/domain/identity",
	},
	{
		Reason: "what helps tests is imported by tests alone",
		In:     []string{"internal/...", "cmd/...", "web/..."},
		Never:  []string{"testkit"},
		Plant:  "internal/app internal/domain/wallet/wallettest",
	},
}

// surfaces are the faces of Gantry; what they share lies beside them.
var surfaces = []string{
	"protocols", "gateway", "tokenfactory", "yuanjing", "consoleadmin", "drawing", "console", "reference",
}

// surfaceRules keep surfaces apart: each can be switched off, moved or removed alone.
func surfaceRules() []Rule {
	var rules []Rule
	for i, name := range surfaces {
		var others []string
		for _, other := range surfaces {
			if other != name {
				others = append(others, "internal/surface/"+other+"/...")
			}
		}
		rules = append(rules, Rule{
			Reason: "surfaces know nothing of each other: each can be removed alone",
			In:     []string{"internal/surface/" + name + "/..."},
			Never:  others,
			Plant:  "internal/surface/" + name + " internal/surface/" + surfaces[(i+1)%len(surfaces)],
		})
	}
	return rules
}

// All returns every rule on imports.
func All() []Rule {
	all := append([]Rule{}, Rules...)
	all = append(all, surfaceRules()...)
	return append(all, domainRules()...)
}
