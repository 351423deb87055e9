package identity

import "github.com/gantry-ai/gantry/internal/kernel/fault"

// What can go wrong with credentials and accounts. Messages do not tell whether an account exists.
var (
	// ErrCredentials says that there are no credentials, or that account and password do not match.
	ErrCredentials = fault.New(401, "unauthorized", "Valid credentials are required.")
	ErrKeyInvalid  = fault.New(401, "invalid_api_key", "The API key is not valid.")
	ErrKeyDisabled = fault.New(401, "key_disabled", "The API key is disabled.")
	ErrKeyExpired  = fault.New(401, "key_expired", "The API key has expired.")
	// ErrTokenInvalid also stands for a session that was ended.
	ErrTokenInvalid = fault.New(401, "invalid_token", "The token is not valid.")
	ErrTokenExpired = fault.New(401, "token_expired", "The token has expired.")
	ErrUserDisabled = fault.New(403, "user_disabled", "This account is disabled.")
	ErrScope        = fault.New(403, "insufficient_scope", "The API key's scopes do not allow this.")
	ErrAddress      = fault.New(403, "address_not_allowed", "The API key may not be used from this address.")

	ErrTooManyTries       = fault.New(429, "rate_limit", "Too many tries. Wait before the next one.")
	ErrRegistrationClosed = fault.New(403, "registration_closed", "Registration is closed.")
	ErrInvitation         = fault.New(403, "invitation_invalid", "The invitation code is not valid.")
	ErrUsernameTaken      = fault.New(409, "username_taken", "The user name is taken.").At("username")
	ErrEmailTaken         = fault.New(409, "email_taken", "The e-mail address is in use.").At("email")
	ErrSetupClosed        = fault.New(409, "setup_closed", "An administrator exists already.")
	ErrSetupToken         = fault.New(403, "setup_token_invalid", "The setup token is not valid or has expired.")
	// ErrTenantUnknown says that an identity provider names no tenant of this installation, or not the user's.
	ErrTenantUnknown     = fault.New(403, "tenant_unknown", "The identity provider names an organisation that is not known here.")
	ErrProvider          = fault.New(502, "identity_provider_failed", "The identity provider did not answer as it should.")
	ErrSignInExpired     = fault.New(400, "sign_in_expired", "The sign-in took too long or was begun elsewhere. Try again.")
	ErrSignInRefused     = fault.New(403, "sign_in_refused", "The identity provider refused the sign-in.")
	ErrTenantDisabled    = fault.New(403, "tenant_disabled", "The account's organisation is disabled.")
	ErrPasswordLogin     = fault.New(403, "password_login_disabled", "This account signs in through the identity provider.")
	ErrExternalUserTaken = fault.New(409, "external_user_taken", "Another user stands for this person of the provider.").At("externalUserId")
	ErrTenantFixed       = fault.New(409, "tenant_fixed", "A user stays in the tenant whose wallets and calls are the user's.")
	ErrLastAdministrator = fault.New(409, "last_administrator", "The platform needs an administrator.")
	ErrDefaultTenant     = fault.New(409, "default_tenant", "The default tenant cannot be renamed, disabled or deleted.")
	ErrTenantInUse       = fault.New(409, "tenant_in_use", "The tenant has users.")
	ErrTenantKeyTaken    = fault.New(409, "tenant_key_taken", "Another tenant has this key.").At("tenantKey")
	ErrInvitationTaken   = fault.New(409, "invitation_taken", "The invitation code cannot be used.").At("authPolicy.invitationCode")
	ErrDefaultGroup      = fault.New(409, "default_group", "The group of new users cannot be renamed, disabled or deleted.")
	ErrGroupInUse        = fault.New(409, "group_in_use", "The group has members.")
	ErrGroupKeyTaken     = fault.New(409, "group_key_taken", "Another group of the tenant has this key.").At("groupKey")
	// ErrExternalTenantTaken says that another tenant has the same ExternalID.
	ErrExternalTenantTaken = fault.New(409, "external_tenant_taken", "Another tenant has this external id.").At("externalTenantId")
	ErrKeyLimit            = fault.New(409, "api_key_limit", "The account has as many API keys as it may have.")
)
