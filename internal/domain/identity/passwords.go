package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// PasswordCost is how much work one hash takes.
type PasswordCost struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

// DefaultPasswordCost is what THREATS section 1 asks for.
var DefaultPasswordCost = PasswordCost{MemoryKiB: 64 * 1024, Passes: 3, Threads: 1}

// Bounds of a password, in bytes. The cap keeps hashing from becoming a way to burn memory and time.
const (
	MinPassword = 8
	MaxPassword = 256
)

const (
	saltSize     = 16
	passwordSize = 32
	// hashesAtOnce bounds the memory that hashing takes: 64 MiB each.
	hashesAtOnce = 2
)

var errPHC = errors.New("identity: not an argon2id PHC string")

// Passwords hashes and checks passwords with argon2id, at most two at a time.
type Passwords struct {
	cost  PasswordCost
	slots chan struct{}
	// decoy is checked for accounts that do not exist, so that they take as long as those that do.
	decoy secret.String
}

// NewPasswords returns a hasher. Stored hashes carry their own cost, so a change of cost reaches new passwords only.
func NewPasswords(cost PasswordCost) *Passwords {
	p := &Passwords{cost: cost, slots: make(chan struct{}, hashesAtOnce)}
	p.decoy = p.hash(secret.Random(MaxPassword / 8))
	return p
}

// Hash returns the PHC string of a password of 8 to 256 bytes. Code: invalid_parameter at "password".
func (p *Passwords) Hash(ctx context.Context, password string) (secret.String, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return secret.String{}, fault.ErrInvalid.Saying("A password has 8 to 256 bytes.").At("password")
	}
	if err := p.acquire(ctx); err != nil {
		return secret.String{}, err
	}
	defer p.release()
	return p.hash(password), nil
}

// Matches reports whether password is the one that was hashed. An empty hash stands for an account that does not exist
// or has no password; it takes the same time and never matches.
func (p *Passwords) Matches(ctx context.Context, password string, hash secret.String) (bool, error) {
	if len(password) > MaxPassword {
		password = password[:MaxPassword+1] // of no account, and no longer to hash than others
	}
	known := !hash.IsZero()
	if !known {
		hash = p.decoy
	}
	if err := p.acquire(ctx); err != nil {
		return false, err
	}
	defer p.release()
	same, err := compare(password, hash.Reveal())
	return same && known, err
}

func (p *Passwords) acquire(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.ErrUnavail.Because(ctx.Err())
	}
}

func (p *Passwords) release() { <-p.slots }

func (p *Passwords) hash(password string) secret.String {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: crypto/rand crashes the program instead
	sum := argon2.IDKey([]byte(password), salt, p.cost.Passes, p.cost.MemoryKiB, p.cost.Threads, passwordSize)
	return secret.New(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.MemoryKiB, p.cost.Passes,
		p.cost.Threads, base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)))
}

// compare hashes password with the cost and salt of a PHC string and compares in constant time.
func compare(password, phc string) (bool, error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, errPHC
	}
	var cost PasswordCost
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.MemoryKiB, &cost.Passes, &cost.Threads); err != nil {
		return false, errPHC
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	want, sumErr := base64.RawStdEncoding.DecodeString(parts[5])
	if errors.Join(saltErr, sumErr) != nil || len(want) == 0 || cost.Passes == 0 || cost.Threads == 0 {
		return false, errPHC
	}
	got := argon2.IDKey([]byte(password), salt, cost.Passes, cost.MemoryKiB, cost.Threads, uint32(len(want))) //nolint:gosec // a few bytes
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
