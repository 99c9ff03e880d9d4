from django.urls import include, path, re_path

from agencies.views import accounts, keys, memberships, overview, people, privacy

agency_patterns = [
    path("", overview.agency_list, name="list"),
    path("<slug:slug>/", overview.agency_detail, name="detail"),
    path("<slug:slug>/personen/neu/", people.person_add, name="person_add"),
    path("<slug:slug>/personen/<int:pk>/", people.person_detail, name="person"),
    path("<slug:slug>/personen/<int:pk>/sperre/", people.person_switch, name="person_switch"),
    path("<slug:slug>/personen/<int:pk>/zugangslink/", people.person_link, name="person_link"),
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
    path("konto/anmelden/", accounts.Login.as_view(), name="login"),
    path("konto/abmelden/", accounts.Logout.as_view(), name="logout"),
    path("konto/passwort/", accounts.ChangePassword.as_view(), name="password_change"),
    path("konto/passwort/<uidb64>/<token>/", accounts.SetPassword.as_view(), name="password_set"),
    path("datenschutz/", privacy.privacy, name="privacy"),
    path("datenschutz/einsichten/", privacy.readers, name="privacy_readers"),
    path("datenschutz/protokoll/", privacy.audit_log, name="privacy_log"),
    path("behoerden/", include((agency_patterns, "agencies"))),
]
