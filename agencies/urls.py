from django.urls import include, path, re_path

from agencies.access import signs_on
from agencies.views import accounts, keys, memberships, overview, own_access, people, privacy, purpose, sign_on

agency_patterns = [
    path("", overview.agency_list, name="list"),
    path("<slug:slug>/", overview.agency_detail, name="detail"),
    path("<slug:slug>/personen/neu/", people.person_add, name="person_add"),
    path("<slug:slug>/personen/<int:pk>/", people.person_detail, name="person"),
    path("<slug:slug>/personen/<int:pk>/sperre/", people.person_switch, name="person_switch"),
    path("<slug:slug>/personen/<int:pk>/zugangslink/", people.person_link, name="person_link"),
    path("<slug:slug>/personen/<int:pk>/abmelden/", people.person_sign_off, name="person_sign_off"),
    path("<slug:slug>/personen/<int:pk>/faktoren/", people.person_reset, name="person_reset"),
    path("<slug:slug>/einladungen/<uuid:pk>/ruecknahme/", people.invitation_withdraw, name="invitation_withdraw"),
    path("<slug:slug>/leitungen/", people.leads, name="leads"),
    path("<slug:slug>/anmeldedienst/", sign_on.sign_on_settings, name="sign_on"),
    path("<slug:slug>/schluessel/neu/", keys.key_add, name="key_add"),
    path("<slug:slug>/schluessel/<int:pk>/sperre/", keys.key_revoke, name="key_revoke"),
    path("<slug:slug>/mitgliedschaft/", memberships.membership_steps, name="membership"),
    path("<slug:slug>/mitgliedschaft/<int:pk>/dokument.pdf", memberships.membership_document, name="document"),
    re_path(
        rf"^(?P<slug>[-\w]+)/mitgliedschaft/(?P<step>{'|'.join(memberships.STEPS)})/$",
        memberships.membership_steps,
        name="membership_step",
    ),
]

urlpatterns = [
    path("konto/", accounts.account, name="account"),
    path("konto/anmelden/", signs_on(accounts.Login.as_view()), name="login"),
    path("konto/anmelden/faktor/", signs_on(accounts.login_factor), name="login_factor"),
    path("konto/dienst/<slug:slug>/", signs_on(sign_on.sign_on), name="sign_on"),
    path("konto/dienst/<slug:slug>/zurueck/", signs_on(sign_on.sign_on_return), name="sign_on_return"),
    path("konto/einladung/<str:token>/", signs_on(accounts.invitation), name="invitation"),
    path("konto/bestaetigen/", accounts.confirm, name="confirm"),
    path("konto/sitzungen/", own_access.own_sessions, name="sessions"),
    path("konto/faktoren/", own_access.own_factors, name="factors"),
    path("konto/faktoren/app/", own_access.factor_totp, name="factor_totp"),
    path("konto/faktoren/passkey/", own_access.factor_passkey, name="factor_passkey"),
    path("konto/faktoren/codes/", own_access.recovery_codes, name="recovery_codes"),
    path("konto/faktoren/<int:pk>/entfernen/", own_access.factor_remove, name="factor_remove"),
    path("konto/abmelden/", accounts.Logout.as_view(), name="logout"),
    path("konto/passwort/", accounts.ChangePassword.as_view(), name="password_change"),
    path("konto/passwort/vergessen/", signs_on(accounts.password_forgotten), name="password_forgotten"),
    path("konto/passwort/<uidb64>/<token>/", signs_on(accounts.SetPassword.as_view()), name="password_set"),
    path("konto/zweck/", purpose.purpose, name="purpose"),
    path("datenschutz/", privacy.privacy, name="privacy"),
    path("datenschutz/einsichten/", privacy.readers, name="privacy_readers"),
    path("datenschutz/einsichten/einsichten.csv", privacy.readers_csv, name="privacy_readers_csv"),
    path("datenschutz/protokoll/", privacy.audit_log, name="privacy_log"),
    path("datenschutz/protokoll/protokoll.csv", privacy.audit_log_csv, name="privacy_log_csv"),
    path("behoerden/", include((agency_patterns, "agencies"))),
]
