"""Who may open which address: one row per route, method and object, one column per person or key.

`log` is a redirect to the login, `302` one to elsewhere. The object names what fills the address (`stage.args`).
What is posted stands in `payloads.py`. A method without a row is none of the route.
"""

from __future__ import annotations

from dataclasses import dataclass

PEOPLE = (
    *("anonymous", "inactive", "without_agency", "superuser", "data_protection", "admin", "chair", "guest"),
    *("suspended", "stranger", "partner", "partner_release", "owner_entry", "owner_release", "owner_lead"),
)
KEYS = (
    *("none", "wrong", "expired", "revoked", "elsewhere", "guest write", "suspended write", "siko read"),
    *("stranger write", "partner write", "owner write", "owner read"),
)

# The meeting has invited the partner and the guest; the owner and the stranger are not invited.
# Columns: anonymous, inactive, without agency, superuser, data protection, admin, chair, guest,
# suspended lead, stranger lead, partner entry, partner release, owner entry, owner release, owner lead.
PAGES = """
#                                                      ano ina noa sup dap adm cha gue sus str par paf own rel lea
start                     GET  -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
health_live               GET  -                      200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
health_ready              GET  -                      200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
metrics                   GET  -                      200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
accessibility             GET  -                      200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
account                   GET  -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
login                     GET  -                      200 200 302 302 302 302 302 302 302 302 302 302 302 302 302
login                     POST -                      302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
login_factor              GET  -                      302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
login_factor              POST -                      302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
sign_on                   GET  own agency             403 403 302 302 302 302 302 302 302 302 302 302 302 302 302
sign_on_return            GET  own agency             403 403 403 403 403 403 403 403 403 403 403 403 403 403 403
invitation                GET  invitation             200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
invitation                POST invitation             302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
confirm                   GET  -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
confirm                   POST -                      log log 302 302 302 302 302 302 302 302 302 302 302 302 302
sessions                  GET  -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
sessions                  POST -                      log log 302 302 302 302 302 302 302 302 302 302 302 302 302
factors                   GET  -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
factor_totp               GET  -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
factor_totp               POST -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
factor_passkey            GET  -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
factor_passkey            POST -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
recovery_codes            POST -                      log log 302 302 302 302 302 302 302 302 302 302 200 302 302
factor_remove             POST own factor             log log 404 404 404 404 404 404 404 404 404 404 302 404 404
password_forgotten        GET  -                      200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
password_forgotten        POST -                      200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
logout                    POST -                      302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
password_change           GET  -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
password_change           POST -                      log log 302 302 302 302 302 302 302 302 302 302 302 302 302
password_set              GET  link                   302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
password_set              POST link                   302 302 302 302 302 302 302 302 302 302 302 302 302 302 302
privacy                   GET  -                      200 200 200 200 200 200 200 200 200 200 200 200 200 200 200
purpose                   GET  -                      log log 403 403 200 200 200 200 200 200 200 200 200 200 200
purpose                   POST -                      log log 403 403 302 302 302 302 302 302 302 302 302 302 302
privacy_readers           GET  -                      log log 403 403 403 403 403 403 200 200 403 403 403 403 200
privacy_readers_csv       GET  -                      log log 403 403 403 403 403 403 200 200 403 403 403 403 200
privacy_log_csv           GET  -                      log log 403 403 302 403 403 403 403 403 403 403 403 403 403
privacy_log               GET  -                      log log 403 403 200 403 403 403 403 403 403 403 403 403 403
agencies:list             GET  -                      log log 403 403 200 200 200 200 200 200 200 200 200 200 200
agencies:detail           GET  own agency             log log 403 403 200 200 200 404 404 200 200 200 200 200 200
agencies:detail           GET  guest agency           log log 403 403 200 200 200 200 404 200 200 200 200 200 200
agencies:person_add       GET  own agency             log log 403 403 404 404 404 404 404 404 404 404 403 403 200
agencies:person_add       POST own agency             log log 403 403 404 404 404 404 404 404 404 404 403 403 200
agencies:person_add       GET  guest agency           log log 403 403 404 200 404 403 404 404 404 404 404 404 404
agencies:person           GET  own entry              log log 403 403 404 404 404 404 404 404 404 404 403 403 200
agencies:person           POST own entry              log log 403 403 404 404 404 404 404 404 404 404 403 403 302
agencies:person_switch    POST own entry              log log 403 403 404 404 404 404 404 404 404 404 403 403 302
agencies:person_link      POST own entry              log log 403 403 404 404 404 404 404 404 404 404 403 403 200
agencies:person_sign_off  POST own entry              log log 403 403 404 404 404 404 404 404 404 404 403 403 302
agencies:person_reset     POST own entry              log log 403 403 404 404 404 404 404 404 404 404 403 403 302
agencies:invitation_withdraw POST own invitation         log log 403 403 404 404 404 404 404 404 404 404 403 403 302
agencies:leads            GET  own agency             log log 403 403 403 200 403 403 403 403 403 403 403 403 403
agencies:leads            POST own agency             log log 403 403 403 302 403 403 403 403 403 403 403 403 403
agencies:sign_on          GET  own agency             log log 403 403 403 200 403 403 403 403 403 403 403 403 403
agencies:sign_on          POST own agency             log log 403 403 403 302 403 403 403 403 403 403 403 403 403
agencies:inspection       GET  own agency             log log 403 403 403 200 403 403 403 403 403 403 403 403 403
agencies:inspection       POST own agency             log log 403 403 403 302 403 403 403 403 403 403 403 403 403
agencies:inspection_end   POST own agency             log log 403 403 403 302 403 403 403 403 403 403 403 403 403
agencies:key_add          GET  own agency             log log 403 403 404 404 404 404 404 404 404 404 403 403 200
agencies:key_add          POST own agency             log log 403 403 404 404 404 404 404 404 404 404 403 403 200
agencies:key_revoke       POST own key                log log 403 403 404 404 404 404 404 404 404 404 403 403 302
agencies:membership       GET  own agency             log log 403 403 403 200 403 403 403 403 403 403 403 403 403
agencies:document         GET  own membership         log log 403 403 404 200 404 404 404 404 404 404 200 200 200
agencies:membership_step  GET  suspend                log log 403 403 403 200 403 403 403 403 403 403 403 403 403
agencies:membership_step  POST suspend                log log 403 403 403 302 403 403 403 403 403 403 403 403 403
membership_scope          GET  own agency             log log 403 403 403 200 403 403 403 403 403 403 403 403 403
membership_scope          POST own agency             log log 403 403 403 302 403 403 403 403 403 403 403 403 403
imports:index             GET  -                      log log 403 403 403 403 403 403 200 200 403 200 403 200 200
imports:index             POST -                      log log 403 403 403 403 403 403 302 302 403 302 403 302 302
imports:nothing           POST -                      log log 403 403 403 403 403 403 302 302 403 302 403 302 302
imports:template          GET  incident               log log 403 403 403 403 403 403 200 200 403 200 403 200 200
imports:run               GET  run                    log log 403 403 403 403 403 403 404 404 403 404 403 200 200
imports:take_over         POST run                    log log 403 403 403 403 403 403 404 404 403 404 403 302 302
imports:discard           POST run                    log log 403 403 403 403 403 403 404 404 403 404 403 302 302
imports:report            GET  run                    log log 403 403 403 403 403 403 404 404 403 404 403 200 200
incidents:list            GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
incidents:create          GET  -                      log log 403 403 403 403 403 200 200 200 200 200 200 200 200
incidents:create          POST -                      log log 403 403 403 403 403 302 302 302 302 302 302 302 302
incidents:export          GET  -                      log log 403 403 403 403 403 403 200 200 403 200 403 200 200
incidents:export          POST -                      log log 403 403 403 403 403 403 200 200 403 200 403 200 200
incidents:defaults        GET  -                      log log 403 403 403 403 403 403 200 200 403 403 403 403 200
incidents:defaults        POST -                      log log 403 403 403 403 403 403 302 302 403 403 403 403 302
incidents:sight           GET  -                      log log 403 403 403 403 403 200 200 200 200 200 200 200 200
incidents:similar         GET  -                      log log 403 403 403 403 403 200 200 200 200 200 200 200 200
incidents:detail          GET  incident internal      log log 404 404 404 404 404 404 404 404 404 404 200 200 200
incidents:detail          GET  incident statistics    log log 404 404 404 404 404 404 404 404 404 404 200 200 200
incidents:detail          GET  incident cooperation   log log 404 404 404 404 200 404 404 200 200 200 200 200 200
incidents:detail          GET  incident granted       log log 404 404 404 404 404 404 404 404 200 200 200 200 200
incidents:detail          GET  incident conduct       log log 404 404 404 404 404 404 404 404 404 404 200 200 200
incidents:detail          GET  incident withdrawn     log log 404 404 404 404 404 404 200 404 404 404 404 404 404
incidents:edit            GET  incident internal      log log 404 404 404 404 404 404 404 404 404 404 200 200 200
incidents:edit            GET  incident cooperation   log log 404 404 404 404 403 404 404 403 403 403 200 200 200
incidents:edit            GET  incident granted       log log 404 404 404 404 404 404 404 404 403 403 200 200 200
incidents:edit            POST incident internal      log log 404 404 404 404 404 404 404 404 404 404 302 302 302
incidents:edit            POST incident cooperation   log log 404 404 404 404 403 404 404 403 403 403 302 302 302
incidents:advance         POST incident internal      log log 404 404 404 404 404 404 404 404 404 404 302 302 302
incidents:advance         POST incident cooperation   log log 404 404 404 404 403 404 404 403 403 403 302 302 302
incidents:level           POST incident internal      log log 404 404 404 404 404 404 404 404 404 404 403 302 302
incidents:level           POST incident cooperation   log log 404 404 404 404 403 404 404 403 403 403 403 302 302
incidents:level           POST incident conduct       log log 404 404 404 404 404 404 404 404 404 404 403 200 200
incidents:grant           POST incident internal      log log 404 404 404 404 404 404 404 404 404 404 403 302 302
incidents:grant           POST incident cooperation   log log 404 404 404 404 403 404 404 403 403 403 403 302 302
incidents:grant           POST incident conduct       log log 404 404 404 404 404 404 404 404 404 404 403 200 200
incidents:revoke          POST incident cooperation grant log log 404 404 404 404 403 404 404 403 403 403 403 404 404
incidents:revoke          POST incident granted grant log log 404 404 404 404 404 404 404 404 403 403 403 302 302
incidents:note            POST incident internal      log log 404 404 404 404 404 404 404 404 404 404 302 302 302
incidents:note            POST incident cooperation   log log 404 404 404 404 403 404 404 403 403 403 302 302 302
incidents:clear_note      POST incident internal      log log 404 404 404 404 404 404 404 404 404 404 403 302 302
incidents:clear_note      POST incident cooperation   log log 404 404 404 404 403 404 404 403 403 403 403 302 302
incidents:blacken         POST incident internal revision log log 404 404 404 404 404 404 404 404 404 404 403 302 302
incidents:blacken         POST incident cooperation revision log log 404 404 404 404 403 404 404 403 403 403 403 302 302
incidents:blacken         POST incident granted revision log log 404 404 404 404 404 404 404 404 403 403 403 302 302
incidents:place           GET  incident internal      log log 404 404 404 404 404 404 404 404 404 404 200 200 200
incidents:place           GET  incident cooperation   log log 404 404 404 404 200 404 404 200 200 200 200 200 200
incidents:place           GET  incident granted       log log 404 404 404 404 404 404 404 404 200 200 200 200 200
complaints:list           GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
complaints:create         GET  -                      log log 403 403 403 403 403 200 200 200 200 200 200 200 200
complaints:create         POST -                      log log 403 403 403 403 403 302 302 302 302 302 302 302 302
complaints:export         GET  -                      log log 403 403 403 403 403 403 200 200 403 200 403 200 200
complaints:export         POST -                      log log 403 403 403 403 403 403 200 200 403 200 403 200 200
complaints:defaults       GET  -                      log log 403 403 403 403 403 403 200 200 403 403 403 403 200
complaints:defaults       POST -                      log log 403 403 403 403 403 403 302 302 403 403 403 403 302
complaints:sight          GET  -                      log log 403 403 403 403 403 200 200 200 200 200 200 200 200
complaints:similar        GET  -                      log log 403 403 403 403 403 200 200 200 200 200 200 200 200
complaints:detail         GET  complaint internal     log log 404 404 404 404 404 404 404 404 404 404 200 200 200
complaints:detail         GET  complaint statistics   log log 404 404 404 404 404 404 404 404 404 404 200 200 200
complaints:detail         GET  complaint cooperation  log log 404 404 404 404 200 404 404 200 200 200 200 200 200
complaints:detail         GET  complaint granted      log log 404 404 404 404 404 404 404 404 200 200 200 200 200
complaints:detail         GET  complaint conduct      log log 404 404 404 404 404 404 404 404 404 404 200 200 200
complaints:detail         GET  complaint withdrawn    log log 404 404 404 404 404 404 200 404 404 404 404 404 404
complaints:edit           GET  complaint internal     log log 404 404 404 404 404 404 404 404 404 404 200 200 200
complaints:edit           GET  complaint cooperation  log log 404 404 404 404 403 404 404 403 403 403 200 200 200
complaints:edit           GET  complaint granted      log log 404 404 404 404 404 404 404 404 403 403 200 200 200
complaints:edit           POST complaint internal     log log 404 404 404 404 404 404 404 404 404 404 302 302 302
complaints:advance        POST complaint internal     log log 404 404 404 404 404 404 404 404 404 404 302 302 302
complaints:level          POST complaint internal     log log 404 404 404 404 404 404 404 404 404 404 403 302 302
complaints:level          POST complaint conduct      log log 404 404 404 404 404 404 404 404 404 404 403 200 200
complaints:grant          POST complaint internal     log log 404 404 404 404 404 404 404 404 404 404 403 302 302
complaints:grant          POST complaint conduct      log log 404 404 404 404 404 404 404 404 404 404 403 200 200
complaints:revoke         POST complaint cooperation grant log log 404 404 404 404 403 404 404 403 403 403 403 404 404
complaints:revoke         POST complaint granted grant log log 404 404 404 404 404 404 404 404 403 403 403 302 302
complaints:note           POST complaint internal     log log 404 404 404 404 404 404 404 404 404 404 302 302 302
complaints:clear_note     POST complaint internal     log log 404 404 404 404 404 404 404 404 404 404 403 302 302
complaints:blacken        POST complaint internal revision log log 404 404 404 404 404 404 404 404 404 404 403 302 302
complaints:place          GET  complaint internal     log log 404 404 404 404 404 404 404 404 404 404 200 200 200
complaints:place          GET  complaint cooperation  log log 404 404 404 404 200 404 404 200 200 200 200 200 200
complaints:place          GET  complaint granted      log log 404 404 404 404 404 404 404 404 200 200 200 200 200
retention:rules           GET  -                      log log 403 403 403 403 403 403 200 200 403 403 403 403 200
retention:rules           POST -                      log log 403 403 403 403 403 403 302 302 403 403 403 403 302
retention:rule_remove     POST own term               log log 403 403 403 403 403 403 404 404 403 403 403 403 302
retention:review          GET  -                      log log 403 403 403 403 403 403 200 200 403 200 403 200 200
retention:check_incident  GET  incident internal      log log 404 404 404 404 404 404 404 404 404 404 403 200 200
retention:check_incident  GET  incident cooperation   log log 404 404 404 404 403 404 404 403 403 403 403 200 200
retention:check_incident  GET  incident granted       log log 404 404 404 404 404 404 404 404 403 403 403 200 200
retention:check_incident  POST incident internal      log log 404 404 404 404 404 404 404 404 404 404 403 302 302
retention:check_incident  POST incident cooperation   log log 404 404 404 404 403 404 404 403 403 403 403 302 302
retention:check_complaint GET  complaint internal     log log 404 404 404 404 404 404 404 404 404 404 403 200 200
retention:check_complaint POST complaint internal     log log 404 404 404 404 404 404 404 404 404 404 403 302 302
lagebild_retention:delete_incident POST incident internal log log 404 404 404 404 404 404 404 404 404 404 403 302 302
lagebild_retention:delete_incident POST incident cooperation log log 404 404 404 404 403 404 404 403 403 403 403 302 302
lagebild_retention:delete_complaint POST complaint internal log log 404 404 404 404 404 404 404 404 404 404 403 302 302
lagebild_retention:delete_complaint POST complaint withdrawn log log 404 404 404 404 404 404 302 404 404 404 404 404 404
retention:runs            GET  -                      log log 403 403 200 403 403 403 200 200 403 403 403 403 200
retention:run             GET  own proof              log log 403 403 200 403 403 403 404 404 403 403 403 403 200
retention:run_csv         GET  own proof              log log 403 403 200 403 403 403 404 404 403 403 403 403 200
areas_geojson             GET  -                      log log 200 200 200 200 200 200 200 200 200 200 200 200 200
known_places              GET  -                      log log 403 403 403 403 403 200 200 200 200 200 200 200 200
district_of_point         GET  -                      log log 403 403 403 403 403 200 200 200 200 200 200 200 200
lagebild:picture          GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
lagebild:cells            GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
lagebild:rebuild          POST -                      log log 403 403 403 403 302 403 403 403 403 403 403 403 403
lagebild:findings         GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
lagebild:finding          GET  finding                log log 403 403 403 403 200 404 404 200 200 200 200 200 200
lagebild:finding          POST finding                log log 403 403 403 403 302 404 404 403 403 403 403 403 403
lagebild:finding          GET  danger                 log log 403 403 403 403 200 404 404 200 200 200 200 200 200
lagebild:finding          POST danger                 log log 403 403 403 403 302 404 404 403 403 403 403 403 403
lagebild:finding_records  GET  danger                 log log 403 403 403 403 200 404 404 200 200 200 200 200 200
lagebild:finding_records  GET  finding                log log 403 403 403 403 404 404 404 404 404 404 404 404 404
lagebild:finding_place    GET  danger                 log log 403 403 403 403 200 404 404 200 200 200 200 200 200
lagebild:danger_rules     GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
lagebild:danger_rule_add  GET  -                      log log 403 403 403 403 200 403 403 200 403 403 403 403 200
lagebild:danger_rule_add  POST -                      log log 403 403 403 403 302 403 403 302 403 403 403 403 302
lagebild:danger_rule      GET  own rule               log log 403 403 403 403 403 404 404 403 403 403 403 403 200
lagebild:danger_rule      POST own rule               log log 403 403 403 403 403 404 404 403 403 403 403 403 302
lagebild:danger_rule_switch POST own rule             log log 403 403 403 403 403 404 404 403 403 403 403 403 302
lagebild:retrospects      GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
lagebild:retrospects      POST -                      log log 403 403 403 403 302 403 403 302 302 302 302 302 302
lagebild:retrospect       GET  own look back          log log 403 403 403 403 404 404 404 404 404 404 200 200 200
lagebild:retrospect       GET  siko look back         log log 403 403 403 403 200 404 404 404 404 404 404 404 404
lagebild:retrospect_progress GET own look back        log log 403 403 403 403 404 404 404 404 404 404 200 200 200
lagebild:retrospect_map   GET  own look back          log log 403 403 403 403 404 404 404 404 404 404 200 200 200
lagebild:method           GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
lagebild:stream_set_add   GET  -                      log log 403 403 403 403 200 403 403 200 403 403 403 403 200
lagebild:stream_set_add   POST -                      log log 403 403 403 403 302 403 403 302 403 403 403 403 302
lagebild:stream_set       GET  own stream             log log 403 403 403 403 403 404 404 403 403 403 403 403 200
lagebild:stream_set       POST own stream             log log 403 403 403 403 403 404 404 403 403 403 403 403 302
lagebild:stream_set_switch POST own stream            log log 403 403 403 403 403 404 404 403 403 403 403 403 302
lagebild:calendar         GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
lagebild:calendar_event_add GET  -                    log log 403 403 403 403 200 403 403 200 403 200 403 200 200
lagebild:calendar_event_add POST -                    log log 403 403 403 403 302 403 403 302 403 302 403 302 302
lagebild:calendar_holidays_add GET  -                 log log 403 403 403 403 200 403 403 403 403 403 403 403 403
lagebild:calendar_holidays_add POST -                 log log 403 403 403 403 302 403 403 403 403 403 403 403 403
lagebild:calendar_entry   GET  event                  log log 403 403 403 403 200 404 404 403 403 403 403 200 200
lagebild:calendar_entry   POST event                  log log 403 403 403 403 302 404 404 403 403 403 403 302 302
lagebild:calendar_entry   GET  school holidays        log log 403 403 403 403 200 404 404 403 403 403 403 403 403
lagebild:calendar_entry_remove GET  event             log log 403 403 403 403 200 404 404 403 403 403 403 200 200
lagebild:calendar_entry_remove POST event             log log 403 403 403 403 302 404 404 403 403 403 403 302 302
lagebild:calendar_entry_remove POST school holidays   log log 403 403 403 403 302 404 404 403 403 403 403 403 403
lagebild:calendar_notice_add GET  -                   log log 403 403 403 403 403 403 403 200 403 200 403 200 200
lagebild:calendar_notice_add POST -                   log log 403 403 403 403 403 403 403 302 403 302 403 302 302
lagebild:calendar_notice  GET  notice                 log log 403 403 403 403 403 404 404 403 403 403 403 200 200
lagebild:calendar_notice  POST notice                 log log 403 403 403 403 403 404 404 403 403 403 403 302 302
lagebild:calendar_notice_remove GET  notice           log log 403 403 403 403 403 404 404 403 403 403 403 200 200
lagebild:calendar_notice_remove POST notice           log log 403 403 403 403 403 404 404 403 403 403 403 302 302
lagebild:editions         GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
lagebild:freeze           GET  -                      log log 403 403 403 403 200 403 403 403 403 403 403 403 403
lagebild:freeze           POST -                      log log 403 403 403 403 302 403 403 403 403 403 403 403 403
lagebild:edition          GET  edition                log log 403 403 403 403 200 404 404 200 200 200 200 200 200
lagebild:edition_pdf      GET  edition                log log 403 403 403 403 200 404 404 200 200 200 200 200 200
conferences:list          GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
conferences:create        GET  -                      log log 403 403 403 403 200 403 403 403 403 403 403 403 403
conferences:create        POST -                      log log 403 403 403 403 302 403 403 403 403 403 403 403 403
conferences:detail        GET  meeting                log log 403 403 403 403 200 200 404 404 200 200 404 404 404
conferences:detail        GET  planned                log log 403 403 403 403 200 404 404 404 404 404 404 404 404
conferences:detail        GET  closed                 log log 403 403 403 403 200 404 404 404 404 404 404 404 404
conferences:edit          GET  meeting                log log 403 403 403 403 200 403 403 403 403 403 403 403 403
conferences:edit          POST meeting                log log 403 403 403 403 302 403 403 403 403 403 403 403 403
conferences:invitation    GET  meeting                log log 403 403 403 403 200 200 404 404 200 200 404 404 404
conferences:invitation    GET  planned                log log 403 403 403 403 200 404 404 404 404 404 404 404 404
conferences:edition       GET  meeting                log log 403 403 403 403 200 403 403 403 403 403 403 403 403
conferences:edition       POST meeting                log log 403 403 403 403 302 403 403 403 403 403 403 403 403
conferences:pdf           GET  meeting                log log 403 403 403 403 200 200 404 404 200 200 404 404 404
conferences:discard       POST planned                log log 403 403 403 403 302 403 403 403 403 403 403 403 403
conferences:step          POST hold                   log log 403 403 403 403 302 403 403 403 403 403 403 403 403
conferences:item_add      GET  meeting                log log 403 403 403 403 200 403 403 403 403 403 403 403 403
conferences:item_add      POST meeting                log log 403 403 403 403 302 403 403 403 403 403 403 403 403
conferences:item_edit     GET  item                   log log 403 403 403 403 200 403 403 403 403 403 403 403 403
conferences:item_edit     POST item                   log log 403 403 403 403 302 403 403 403 403 403 403 403 403
conferences:item_move     POST item                   log log 403 403 403 403 302 403 403 403 403 403 403 403 403
conferences:item_remove   POST item                   log log 403 403 403 403 302 403 403 403 403 403 403 403 403
conferences:decision_add  GET  meeting                log log 403 403 403 403 200 403 403 403 403 403 403 403 403
conferences:decision_add  POST meeting                log log 403 403 403 403 302 403 403 403 403 403 403 403 403
conferences:measure_add   GET  decision               log log 403 403 403 403 200 403 403 403 403 403 403 403 403
conferences:measure_add   POST decision               log log 403 403 403 403 302 403 403 403 403 403 403 403 403
measures:list             GET  -                      log log 403 403 403 403 200 200 200 200 200 200 200 200 200
measures:detail           GET  measure                log log 403 403 403 403 200 404 404 404 200 200 404 404 404
measures:detail           GET  hidden measure         log log 403 403 403 403 200 404 404 404 404 404 404 404 404
measures:detail           GET  given measure          log log 403 403 403 403 200 404 404 404 200 200 404 404 404
measures:detail           POST measure                log log 403 403 403 403 302 404 404 404 403 302 404 404 404
"""

# Columns: no key, a wrong one, expired, revoked, from a network that is not allowed, guest, suspended, coordination
# office, stranger, partner, owner (all of them may write), owner that may only read.
API = """
#                                                      non wro exp rev net gue sus sik str par own rea
api:agencies-list         GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:agencies-detail       GET  agency                 401 401 401 401 401 404 404 200 200 200 200 200
api:agencies-detail       GET  guest agency           401 401 401 401 401 200 404 200 200 200 200 200
api:categories-list       GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:categories-detail     GET  category               401 401 401 401 401 200 200 200 200 200 200 200
api:areas-list            GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:areas-detail          GET  area                   401 401 401 401 401 200 200 200 200 200 200 200
api:findings-list         GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:findings-detail       GET  finding                401 401 401 401 401 404 404 200 200 200 200 200
api:findings-detail       GET  danger                 401 401 401 401 401 404 404 200 200 200 200 200
api:cells-list            GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:trends-list           GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:pictures-list         GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:pictures-detail       GET  picture                401 401 401 401 401 404 404 200 200 200 200 200
api:editions-list         GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:editions-detail       GET  edition                401 401 401 401 401 404 404 200 200 200 200 200
api:editions-pdf          GET  edition                401 401 401 401 401 404 404 200 200 200 200 200
api:conferences-list      GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:conferences-detail    GET  meeting                401 401 401 401 401 200 404 404 404 200 404 404
api:conferences-detail    GET  planned                401 401 401 401 401 404 404 404 404 404 404 404
api:conferences-pdf       GET  meeting                401 401 401 401 401 200 404 404 404 200 404 404
api:measures-list         GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:measures-detail       GET  measure                401 401 401 401 401 404 404 404 404 200 404 404
api:conferences-detail    GET  closed                 401 401 401 401 401 404 404 404 404 404 404 404
api:measures-detail       GET  hidden measure         401 401 401 401 401 404 404 404 404 404 404 404
api:measures-detail       GET  given measure          401 401 401 401 401 404 404 404 404 200 404 404
api:unknown               GET  nothing                404 404 404 404 404 404 404 404 404 404 404 404
api:unknown               POST nothing                404 404 404 404 404 404 404 404 404 404 404 404
api:schema                GET  -                      200 200 200 200 200 200 200 200 200 200 200 200
api:docs                  GET  -                      200 200 200 200 200 200 200 200 200 200 200 200
api:changes-list          GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:incidents-list        GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:incidents-list        POST -                      401 401 401 401 401 201 201 403 201 201 201 403
api:incidents-bulk        POST -                      401 401 401 401 401 200 200 403 200 200 200 403
api:incidents-detail      GET  incident internal      401 401 401 401 401 404 404 404 404 404 200 200
api:incidents-detail      GET  incident statistics    401 401 401 401 401 404 404 404 404 404 200 200
api:incidents-detail      GET  incident cooperation   401 401 401 401 401 404 404 200 200 200 200 200
api:incidents-detail      GET  incident granted       401 401 401 401 401 404 404 404 404 200 200 200
api:incidents-detail      GET  incident conduct       401 401 401 401 401 404 404 404 404 404 200 200
api:incidents-detail      GET  incident withdrawn     401 401 401 401 401 404 200 404 404 404 404 404
api:complaints-list       GET  -                      401 401 401 401 401 200 200 200 200 200 200 200
api:complaints-list       POST -                      401 401 401 401 401 201 201 403 201 201 201 403
api:complaints-bulk       POST -                      401 401 401 401 401 200 200 403 200 200 200 403
api:complaints-detail     GET  complaint internal     401 401 401 401 401 404 404 404 404 404 200 200
api:complaints-detail     GET  complaint statistics   401 401 401 401 401 404 404 404 404 404 200 200
api:complaints-detail     GET  complaint cooperation  401 401 401 401 401 404 404 200 200 200 200 200
api:complaints-detail     GET  complaint granted      401 401 401 401 401 404 404 404 404 200 200 200
api:complaints-detail     GET  complaint conduct      401 401 401 401 401 404 404 404 404 404 200 200
api:complaints-detail     GET  complaint withdrawn    401 401 401 401 401 404 200 404 404 404 404 404
"""


@dataclass(frozen=True)
class Row:
    route: str
    method: str
    thing: str
    expected: dict[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.route} {self.thing}".strip()


def _rows(table: str, columns: tuple[str, ...]) -> list[Row]:
    rows = []
    for line in table.strip().splitlines():
        if line.startswith("#"):
            continue
        route, method, *rest = line.split()
        thing, statuses = " ".join(rest[: -len(columns)]), rest[-len(columns) :]
        expected = dict(zip(columns, statuses, strict=True))
        rows.append(Row(route, method, "" if thing == "-" else thing, expected))
    return rows


PAGE_ROWS = _rows(PAGES, PEOPLE)
API_ROWS = _rows(API, KEYS)
