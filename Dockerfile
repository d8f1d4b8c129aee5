# The page as a container: docker build -t matryoshka-lab . && docker run -p 7860:7860 -v lab-cache:/data matryoshka-lab
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
# PIP_OPTIONS: such as an index that has torch for the processor alone, a tenth of the size.
ARG PIP_OPTIONS=""
RUN pip install --no-cache-dir $PIP_OPTIONS -r requirements.txt
COPY app.py README.md LICENSE pyproject.toml ./
COPY mrl_demo mrl_demo
COPY training training
COPY assets assets
RUN useradd --system --no-create-home lab && mkdir /data && chown lab /data
USER lab
ENV MRL_HOST=0.0.0.0 MRL_CACHE_DIR=/data/cache GRADIO_TEMP_DIR=/data/gradio TMPDIR=/data \
    MRL_TRAINING_ENABLED=0 OMP_WAIT_POLICY=PASSIVE PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 7860
HEALTHCHECK --start-period=90s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/healthz', timeout=5)"]
STOPSIGNAL SIGTERM
CMD ["python", "app.py"]
