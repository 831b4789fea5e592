# SPDX-License-Identifier: Apache-2.0
# fer_ros on the official ROS 2 image: docker build -t fer_ros . && docker run --rm fer_ros
FROM ros:jazzy-ros-base

SHELL ["/bin/bash", "-c"]
WORKDIR /ws

# What package.xml asks for, in a layer that a change of the code leaves alone.
COPY package.xml src/fer_ros/package.xml
RUN apt-get update \
    && apt-get install -qy --no-install-recommends python3-venv \
    && rosdep update --rosdistro "$ROS_DISTRO" \
    && DEBIAN_FRONTEND=noninteractive rosdep install --from-paths src --ignore-src -y \
    && rm -rf /var/lib/apt/lists/*

RUN python3 -m venv --system-site-packages venv && touch venv/COLCON_IGNORE \
    && venv/bin/pip install --no-cache-dir ai-edge-litert "numpy<2" \
    && venv/bin/pip install --no-cache-dir "rosbags>=0.11,<0.12" "mcap>=1.2" tqdm "numpy<2"

COPY . src/fer_ros
RUN source "/opt/ros/$ROS_DISTRO/setup.bash" && source venv/bin/activate \
    && python3 -m colcon build --packages-select fer_ros --cmake-args -DBUILD_TESTING=OFF

# The image's own entry point sources ROS; this one the workspace as well.
RUN printf '%s\n' '#!/bin/bash' 'set -e' 'source "/opt/ros/$ROS_DISTRO/setup.bash"' \
    'source /ws/venv/bin/activate' 'source /ws/install/setup.bash' 'exec "$@"' > /entrypoint.sh \
    && chmod +x /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "fer_ros", "emotion.launch.py", "camera:=video"]
