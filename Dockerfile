FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin portal \
    && install -d -o portal -g portal /app /var/lib/portal/media
WORKDIR /app

COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock

COPY . ./
RUN python -m compileall -q agencies conferences hamm_security incidents lagebild

ENV RELEASE=1 \
    STATIC_ROOT=/app/staticfiles \
    MEDIA_ROOT=/var/lib/portal/media
# Values for this one command only: collecting files needs the settings, but no database, broker or secret.
RUN SECRET_KEY=only-for-collecting-static-files-while-building \
    ALLOWED_HOSTS=localhost DATABASE_URL=postgresql://none@localhost/none BROKER_URL=redis://none \
    python manage.py collectstatic --noinput

USER portal
VOLUME /var/lib/portal/media
EXPOSE 8000
# The access log names the path without the question: what people search for is nobody's business.
CMD ["gunicorn", "hamm_security.wsgi", "--bind=0.0.0.0:8000", "--workers=3", "--threads=4", "--access-logfile=-", "--access-logformat=%(h)s %(t)s %(m)s %(U)s %(H)s %(s)s %(b)s %(D)s", "--no-control-socket"]
